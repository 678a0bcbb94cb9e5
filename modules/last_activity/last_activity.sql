-- name: last_activity_read
-- args: i
-- mode: read
select last_seen, last_status from users where id = $1;

-- Batches may arrive in any order: a later time always wins.
-- name: last_activity_write
-- args: I I T
-- mode: write
-- repeatable: yes
update users as u set last_seen = d.seen, last_status = nullif(d.status, '')
from unnest($1, $2, $3) as d (id, seen, status)
where u.id = d.id and (u.last_seen is null or u.last_seen <= d.seen);
