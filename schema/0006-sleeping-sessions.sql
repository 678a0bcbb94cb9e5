-- What:  sessions whose client is away and may resume (XEP-0198 §5), as they are when the server
--        ends or after two seconds of sleep; and who is owed what is in the spool.
-- Why:   a client comes back after a restart, an upgrade or a kill as if nothing had happened.
-- Locks: access exclusive on spool, for a moment: columns without a default, or a constant one.
--
-- A row says that `h` is the last that was sent and that no stanza was read since: it is deleted,
-- and that committed, before a session is resumed, so that `h` can never go backwards.

create table sleeping_sessions (
	account bigint not null,
	id text collate "C" not null,                           -- the SM-ID
	resource text collate "C" not null,
	-- stanzas of the client that are safe
	h bigint not null,
	-- stanzas to the client that it has acknowledged
	acked bigint not null,
	max_ms bigint not null,
	deadline bigint not null,
	presence text,                                          -- null: not available
	-- what modules keep with the session, a line each
	notes text not null,
	primary key (account, id)
);

create index sleeping_sessions_deadline on sleeping_sessions (deadline);

-- owed: whom the message was written to, as "SM-ID:NUMBER ...", in the order of their queues.
-- Sessions that come back are given it again; one that was awake when the server was killed cannot
-- be resumed, but its client says how far it got. acked: somebody has it, so it is for those on the
-- list only.
alter table spool
	add column owed text collate "C",
	add column acked boolean not null default false;

-- The same for rows that were given out later, a page at a time: numbers[i] is that of the row
-- sequences[i] in the stream to the session. Written before the client can get the first of them.
-- What stands here is newer than what `owed` says. page: the first number.
create table spool_given (
	receiver bigint not null,
	session text collate "C" not null,
	page bigint not null,
	numbers bigint[] not null,
	sequences bigint[] not null,
	expires bigint not null,
	primary key (receiver, session, page)
);

create index spool_given_expires on spool_given (expires);
