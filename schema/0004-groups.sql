-- What:  rooms (XEP-0045): configuration and subject, who belongs to them, and a short log of
-- what was said.
-- Why:   a room comes back after a restart with its members; a member who was away has missed
-- nothing; what a room has
--        acknowledged is in its log (design §5, Rooms).
-- Locks: none; the tables are new.
--
-- groups is looked up by (host, localpart), as users is; all else begins with the room's id, by
-- which it would be spread.
-- Rows of a room that is not persistent stay while somebody is in it (and over a crash until
-- somebody comes and goes, or a
-- day has passed: `used`).
--
-- at: the room's own clock in µs, strictly growing; the moment in the stanza-id of a message. The
-- marks of a member are
-- moments of that clock, and only move forward.

create table groups (
	id bigint generated always as identity primary key,     -- never given out twice
	host int not null references hosts,
	-- 'muc': kinds of rooms may share the table
	service text collate "C" not null,
	localpart text collate "C" not null,
	created bigint not null,
	creator text collate "C" not null,                      -- bare JID
	used bigint not null,                                   -- when somebody last came or went
	persistent boolean not null,
	locked boolean not null,                                -- not configured yet by its owner
	listed boolean not null,                                -- shown to everybody
	title text,
	description text,
	config text not null,                                   -- all of it, as "name=value" lines
	version bigint not null default 0,                      -- of the list of members (XEP-0463)
	-- the message that set it, as it was sent to all
	subject text,
	subject_at bigint,
	constraint groups_name unique (host, service, localpart)
);

create index groups_creator on groups (creator);
create index groups_passing on groups (used) where not persistent;

-- Everybody with an affiliation, outcasts too. One who has lost it stays for a while (affiliation
-- 1), so that clients hear
-- of it when they ask what has changed (XEP-0463).
create table group_members (
	group_id bigint not null references groups on delete cascade,
	-- bare; of an outcast it may be a domain
	jid text collate "C" not null,
	-- 0 outcast, 1 none, 2 member, 3 admin, 4 owner
	affiliation smallint not null check (affiliation between 0 and 4),
	nick text collate "C",                                  -- reserved
	hats text,
	-- moment of the log at which they came to belong to it
	since bigint not null,
	version bigint not null default 0,
	-- up to which moment they have received, and read
	delivered bigint not null default 0,
	displayed bigint not null default 0,
	primary key (group_id, jid)
);

create index group_members_jid on group_members (jid);
create unique index group_members_nick on group_members (group_id, nick) where nick is not null;

create table group_log (
	group_id bigint not null references groups on delete cascade,
	at bigint not null,
	sender text collate "C",                                -- full real JID; null: the room
	-- the message as it was sent to all, without `to`
	payload text not null,
	primary key (group_id, at)
) with (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_insert_scale_factor = 0.1);

-- XEP-0486, XEP-0054 of the room.
create table group_vcards (
	group_id bigint primary key references groups on delete cascade,
	vcard text not null
);
