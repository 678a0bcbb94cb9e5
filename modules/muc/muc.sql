-- Statements of rooms; the tables are explained in schema/0004-groups.sql.

-- In order with writes: a room that has just left memory may still have some on their way.
-- name: muc_load
-- args: i t
-- mode: write
-- repeatable: yes
select id, locked, config, version, subject, coalesce(subject_at, 0), creator
from groups where host = $1 and service = 'muc' and localpart = $2;

-- name: muc_members
-- args: i
-- key: 1
-- mode: write
-- repeatable: yes
select jid, affiliation, nick, hats, since, version, delivered, displayed
from group_members where group_id = $1;

-- $5: rooms that one user may have made; $6: the rest of its row. Nothing is returned when they
-- are too many, or there is one
-- of this name.
-- name: muc_create
-- args: i t t i i i i i t
-- mode: atomic
with made as (
	insert into groups (host, service, localpart, created, creator, used, persistent, locked,
		listed, config)
	select $1, 'muc', $2, $4, $3, $4, $6 <> 0, $7 <> 0, $8 <> 0, $9
	where (select count(*) from groups where creator = $3) < $5
	on conflict (host, service, localpart) do nothing
	returning id)
insert into group_members (group_id, jid, affiliation, since)
select id, $3, 4, $4 from made
returning group_id;

-- name: muc_destroy
-- args: i
-- key: 1
-- mode: write
-- repeatable: yes
delete from groups where id = $1;

-- name: muc_touch
-- args: i i
-- key: 1
-- mode: write
-- repeatable: yes
update groups set used = $2 where id = $1 and used < $2;

-- name: muc_subject
-- args: i t i
-- key: 1
-- mode: write
-- repeatable: yes
update groups set subject = $2, subject_at = $3 where id = $1;

-- Marks move forward only.
-- name: muc_marks
-- args: i T I I
-- key: 1
-- mode: write
-- repeatable: yes
update group_members m set delivered = greatest(m.delivered, n.delivered),
	displayed = greatest(m.displayed, n.displayed)
from unnest($2, $3, $4) as n (jid, delivered, displayed)
where m.group_id = $1 and m.jid = n.jid;

-- name: muc_log_add
-- args: i i t t
-- key: 1
-- mode: write
-- repeatable: yes
insert into group_log (group_id, at, sender, payload) values ($1, $2, $3, $4)
on conflict (group_id, at) do nothing;

-- name: muc_log_recent
-- args: i i i
-- key: 1
-- mode: write
-- repeatable: yes
select at, payload from group_log where group_id = $1 and at > $2 order by at desc limit $3;

-- Keeps the last $2, and of those what is younger than $3.
-- name: muc_log_trim
-- args: i i i
-- key: 1
-- mode: write
-- repeatable: yes
delete from group_log where group_id = $1 and (at < $3 or at <= (
	select at from group_log where group_id = $1 order by at desc offset $2 limit 1));

-- A message whose content was taken back (XEP-0424) becomes a tombstone.
-- name: muc_log_replace
-- args: i i t
-- key: 1
-- mode: write
-- repeatable: yes
update group_log set payload = $3 where group_id = $1 and at = $2;

-- Rooms that were there while somebody was in them, and that a crash has left behind.
-- name: muc_leftovers
-- args: i i
-- mode: write
-- repeatable: yes
delete from groups where id in (
	select id from groups where not persistent and used < $1 order by used limit $2);

-- The account is gone: it belongs to nothing any more.
-- name: muc_account_gone
-- args: t
-- mode: write
-- repeatable: yes
delete from group_members where jid = $1;
