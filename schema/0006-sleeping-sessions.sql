-- What:  sessions whose client is away and may resume (XEP-0198 §5), as they are when the server
-- ends or after two seconds of sleep.
-- Why:   a client comes back after a restart, an upgrade or a kill as if nothing had happened.
-- Locks: access exclusive on spool, for a moment: a column without a default.
--
-- A row says that `h` is the last that was sent and that no stanza was read since: it is deleted,
-- and that committed, before a session is resumed, so that `h` can never go backwards. numbers[i]
-- is the number, in the stream to the client, of the message whose row in the spool has
-- sequences[i]: what the client has by then is not sent again.

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
	numbers bigint[] not null,
	sequences bigint[] not null,
	primary key (account, id)
);

create index sleeping_sessions_deadline on sleeping_sessions (deadline);

-- Whom the message was written to and is owed, as "SM-ID:NUMBER ...": a session that was awake when
-- the server was killed cannot be resumed, but its client says how far it got.
alter table spool add column owed text collate "C";
