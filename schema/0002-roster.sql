-- What:  rosters (RFC 6121 §2), subscriptions (§3) and roster versions (§2.6).
-- Why:   two people who chat know each other.
-- Locks: none; the tables are new.
--
-- No foreign key to users, as in the spool: when an account is deleted its contacts are told first,
-- from these rows, and then the module deletes them. Numeric ids are never given out twice, so rows
-- left by a crash in between hurt nobody.
--
-- version: made by the owner's home from its clock in µs, and greater at each change of this
-- roster. The version of a roster is the greatest among its items and its removals. A bounded
-- number of removals is kept; when the older ones are forgotten, a row with the empty contact
-- remembers up to which version, and clients older than that get the whole roster.

create table roster_items (
	owner bigint not null,
	contact text collate "C" not null,                      -- bare JID, prepared
	name text,
	subscription text collate "C" not null default 'none'
		check (subscription in ('none', 'to', 'from', 'both')),
	-- pending out: we asked, the contact has not answered
	ask boolean not null default false,
	approved boolean not null default false,                -- pre-approved (§3.4)
	groups text[] not null default '{}',
	version bigint not null,
	primary key (owner, contact)
);

create table roster_removals (
	owner bigint not null,
	contact text collate "C" not null,                      -- or '', see above
	version bigint not null,
	primary key (owner, contact)
);

-- Pending in: requests that the owner has not answered. They are shown again at each login until
-- then (§3.1.3). Apart from the items, because a request alone puts nobody on a roster.
create table roster_requests (
	owner bigint not null,
	contact text collate "C" not null,
	-- the presence as it came, for its status and extensions
	stanza text not null,
	received bigint not null,
	primary key (owner, contact)
);
