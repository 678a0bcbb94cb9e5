-- What:  messages for other servers that wait, because the server cannot be reached or has not
--        acknowledged them.
-- Why:   what was acknowledged to its sender survives a restart, whoever it is for (promise 1).
-- Locks: none; the table is new.
--
-- pair is a hash of both domains that never changes: it says which shard of the server looks after
-- the row, and which connection writes it. sequence is the order of sending; it is made from the
-- clock in µs and never the same twice for a pair.

create table remote_spool (
	pair bigint not null,
	local text collate "C" not null,                        -- domain of ours
	domain text collate "C" not null,                       -- of the other server
	sequence bigint not null,
	payload text not null,                                  -- the stanza
	created bigint not null,
	primary key (pair, local, domain, sequence)
) with (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_insert_scale_factor = 0.1);
