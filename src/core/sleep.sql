-- Sessions that sleep, in the database (schema/0006-sleeping-sessions.sql).

-- name: sleep_save
-- args: i t t i i i i t t
-- key: 1
-- mode: write
-- repeatable: yes
insert into sleeping_sessions (account, id, resource, h, acked, max_ms, deadline, presence, notes)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
on conflict (account, id) do nothing;

-- name: sleep_delete
-- args: i t
-- key: 1
-- mode: write
-- repeatable: yes
delete from sleeping_sessions where account = $1 and id = $2;

-- name: sleep_load
-- args: i i
-- mode: read
select id, resource, h, acked, max_ms, deadline, presence, notes
from sleeping_sessions where account = $1 and deadline > $2 order by deadline;

-- name: sleep_expire
-- args: i i
-- mode: atomic
-- repeatable: yes
delete from sleeping_sessions where (account, id) in (
	select account, id from sleeping_sessions where deadline <= $1 order by deadline limit $2
		for update skip locked);
