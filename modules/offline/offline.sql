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
-- args: i i t t t i i t i
-- key: 1
-- mode: write
-- repeatable: yes
insert into spool (receiver, sequence, sender, id, payload, created, expires, owed, acked)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9 <> 0)
on conflict (receiver, sequence) do nothing;

-- name: spool_page
-- args: i i i i
-- mode: read
select sequence, created, payload from spool
where receiver = $1 and sequence > $2 and expires > $3 and not unreadable and not acked
order by sequence limit $4;

-- name: spool_remove
-- args: i I
-- key: 1
-- mode: write
-- repeatable: yes
delete from spool where receiver = $1 and sequence = any ($2);

-- What the client of a session that is no more has got of it: numbers up to h (XEP-0198 §5). In
-- order with what is written.
-- name: spool_had
-- args: i t i
-- key: 1
-- mode: write
-- repeatable: yes
with given as (
	select g.sequence, g.number
	from spool_given p, unnest(p.sequences, p.numbers) g (sequence, number)
	where p.receiver = $1 and p.session = $2
)
select s.sequence from spool s join given g on g.sequence = s.sequence
where s.receiver = $1 and g.number <= $3
union
select s.sequence from spool s, unnest(string_to_array(s.owed, ' ')) o
where s.receiver = $1 and s.owed is not null and split_part(o, ':', 1) = $2 and
	split_part(o, ':', 2)::bigint <= $3 and
	s.sequence not in (select sequence from given);

-- Some client has it; the others that are owed it are on the list.
-- name: spool_noted
-- args: i i t
-- key: 1
-- mode: write
-- repeatable: yes
update spool set owed = $3, acked = true where receiver = $1 and sequence = $2;

-- What somebody has and nobody waits for any more: all but the rows $2.
-- name: spool_orphans
-- args: i I
-- key: 1
-- mode: write
-- repeatable: yes
delete from spool where receiver = $1 and acked and sequence <> all ($2);

-- What may be owed to sessions that came back, each with the list of them.
-- name: spool_owed
-- args: i i i
-- mode: read
with given as (
	select g.sequence, string_agg(p.session || ':' || g.number, ' ') as list
	from spool_given p, unnest(p.sequences, p.numbers) g (sequence, number)
	where p.receiver = $1 group by g.sequence
)
select s.sequence, s.created, s.payload, s.acked, concat_ws(' ', s.owed, g.list)
from spool s left join given g on g.sequence = s.sequence
where s.receiver = $1 and s.expires > $2 and not s.unreadable and
	(s.owed is not null or g.sequence is not null)
order by s.sequence limit $3;

-- Rows are about to be given to a session under these numbers.
-- name: spool_give
-- args: i t i I I i
-- key: 1
-- mode: write
-- repeatable: yes
insert into spool_given (receiver, session, page, numbers, sequences, expires)
values ($1, $2, $3, $4, $5, $6)
on conflict (receiver, session, page) do update
set numbers = excluded.numbers, sequences = excluded.sequences, expires = excluded.expires;

-- name: spool_give_end
-- args: i t
-- key: 1
-- mode: write
-- repeatable: yes
delete from spool_given where receiver = $1 and session = $2;

-- A client named an impossible number: what its session was given is to be given again.
-- name: spool_distrust
-- args: i t
-- key: 1
-- mode: write
-- repeatable: yes
with given as (delete from spool_given where receiver = $1 and session = $2)
update spool set owed = array_to_string(array(
	select o from unnest(string_to_array(owed, ' ')) with ordinality u (o, i)
	where split_part(o, ':', 1) <> $2 order by i), ' ')
where receiver = $1 and owed is not null and strpos(owed, $2 || ':') > 0;

-- name: spool_give_expire
-- args: i i
-- mode: atomic
-- repeatable: yes
delete from spool_given where (receiver, session, page) in (
	select receiver, session, page from spool_given where expires <= $1
		order by expires limit $2 for update skip locked);

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
with given as (delete from spool_given where receiver = $1)
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

-- name: spool_list
-- args: i i
-- mode: read
select created, sender, id, octet_length(payload), expires, unreadable from spool
where receiver = $1 order by sequence limit $2;
