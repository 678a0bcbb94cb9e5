-- What:  the spool: messages that are owed to somebody.
-- Why:   recipients are offline, or slow to acknowledge; an acknowledged message survives (promise
-- 1).
-- Locks: none; the table is new.
--
-- sequence: the receiver's home makes it from its clock in µs, never the same twice and never
-- backwards; it is the order of delivery, and makes an insert repeatable (on conflict do nothing).
-- No foreign key to users: each insert would lock the account's row and write to it. Numeric ids
-- are never given out twice, deleting an account deletes its rows, and one that comes in between is
-- expired by the sweep. Quotas are counted when somebody asks (primary key, and octet_length does
-- not unpack the payload):
--	select count(*), coalesce(sum(octet_length(payload)), 0) from spool where receiver = $1
--
-- To come with sessions that outlive a restart (XEP-0198): owed, the list of (session, number)
-- still waiting for an acknowledgement (until then only the server's memory knows it); with
-- archives: archive_id instead of payload.

create table spool (
	receiver bigint not null,
	sequence bigint not null,
	sender text collate "C" not null,                       -- full JID
	-- of the stanza, as its sender chose it
	id text,
	payload text,                                           -- the stanza without delay
	created bigint not null,
	expires bigint not null,
	-- set aside: the payload is no stanza; kept for the administrator
	unreadable boolean not null default false,
	primary key (receiver, sequence)
) with (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_insert_scale_factor = 0.1);

create index spool_expires on spool (expires);
