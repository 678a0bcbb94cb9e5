-- Messages that wait for other servers (schema/0008-federation.sql).

-- name: remote_keep
-- args: i t t i t i
-- key: 1
-- mode: write
-- repeatable: yes
insert into remote_spool (pair, local, domain, sequence, payload, created)
values ($1, $2, $3, $4, $5, $6)
on conflict (pair, local, domain, sequence) do nothing;

-- name: remote_drop
-- args: i t t i
-- key: 1
-- mode: write
-- repeatable: yes
delete from remote_spool where pair = $1 and local = $2 and domain = $3 and sequence = $4;

-- name: remote_pairs
-- args:
-- mode: read
select local, domain, max(sequence) from remote_spool group by local, domain;

-- name: remote_page
-- args: i t t i i
-- mode: read
select sequence, payload, created from remote_spool
where pair = $1 and local = $2 and domain = $3 and sequence > $4
order by sequence limit $5;
