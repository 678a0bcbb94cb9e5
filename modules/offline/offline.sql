-- Statements of the spool. `receiver` is users.id; the table is explained in schema/0003-spool.sql.

-- How much is stored, and the greatest sequence ever given out that is still there.
-- In order with what is written: of several messages that a session left unread, the first to ask
-- is the first to be answered and stored.
-- name: spool_count
-- args: i
-- key: 1
-- mode: write
-- repeatable: yes
select count(*), coalesce(sum(octet_length(payload)), 0)::bigint, coalesce(max(sequence), 0)
from spool where receiver = $1;

-- name: spool_add
-- args: i i t t t i i t
-- key: 1
-- mode: write
-- repeatable: yes
insert into spool (receiver, sequence, sender, id, payload, created, expires, owed)
values ($1, $2, $3, $4, $5, $6, $7, $8)
on conflict (receiver, sequence) do nothing;

-- name: spool_page
-- args: i i i i
-- mode: read
select sequence, created, payload from spool
where receiver = $1 and sequence > $2 and expires > $3 and not unreadable
order by sequence limit $4;

-- name: spool_remove
-- args: i I
-- key: 1
-- mode: write
-- repeatable: yes
delete from spool where receiver = $1 and sequence = any ($2);

-- What the client of a session that is no more has got of it: numbers up to h (XEP-0198 §5).
-- name: spool_had
-- args: i t i
-- key: 1
-- mode: write
-- repeatable: yes
delete from spool where receiver = $1 and owed is not null and exists (
	select from unnest(string_to_array(owed, ' ')) o
	where split_part(o, ':', 1) = $2 and split_part(o, ':', 2)::bigint between 1 and $3);

-- name: spool_set_aside
-- args: i i
-- key: 1
-- mode: write
-- repeatable: yes
update spool set unreadable = true where receiver = $1 and sequence = $2;

-- name: spool_purge
-- args: i
-- key: 1
-- mode: write
-- repeatable: yes
delete from spool where receiver = $1;

-- A bounded bite. Rows that a login is just deleting are skipped, so nobody waits for anybody; two
-- shards share the work.
-- name: spool_expire
-- args: i i
-- mode: atomic
-- repeatable: yes
delete from spool where (receiver, sequence) in (
	select receiver, sequence from spool where expires <= $1 order by expires limit $2
		for update skip locked);

-- name: spool_account
-- args: t t
-- mode: read
select u.id from users u join hosts h on h.id = u.host where h.name = $1 and u.localpart = $2;

-- name: spool_list
-- args: i i
-- mode: read
select created, sender, id, octet_length(payload), expires, unreadable from spool
where receiver = $1 order by sequence limit $2;
