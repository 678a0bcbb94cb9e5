-- What the administrator's commands ask and change: accounts, one by one and in bulk.

-- Nothing is made while the name rests after a deletion, unless $16 says so. Id NULL, until NULL:
-- the account is there already.
-- name: admin_add
-- args: i t i i b b b i b b b i b b b i
-- key: 2
-- mode: write
with grave as (
	select until from tombstones where host = $1 and localpart = $2 and until > $3 and $16 = 0
), made as (
	insert into users (host, localpart, created,
		sha1_iterations, sha1_salt, sha1_stored_key, sha1_server_key,
		sha256_iterations, sha256_salt, sha256_stored_key, sha256_server_key,
		sha512_iterations, sha512_salt, sha512_stored_key, sha512_server_key)
	select $1, $2, $3, $4::int, $5, $6, $7, $8::int, $9, $10, $11, $12::int, $13, $14, $15
	where not exists (select from grave)
	on conflict (host, localpart) do nothing
	returning id
)
select (select id from made), (select until from grave)

-- Bulk: arrays of the same length; salts and keys in base64, empty keys for none. Returns the
-- accounts that were made.
-- name: admin_import
-- args: i i T I T T T T T T T
-- mode: write
insert into users (host, localpart, created,
	sha1_iterations, sha1_salt, sha1_stored_key, sha1_server_key,
	sha256_iterations, sha256_salt, sha256_stored_key, sha256_server_key,
	sha512_iterations, sha512_salt, sha512_stored_key, sha512_server_key)
select $1, u.name, $2,
	case when u.st1 <> '' then u.n::int end,
		case when u.st1 <> '' then decode(u.salt, 'base64') end,
	decode(nullif(u.st1, ''), 'base64'), decode(nullif(u.se1, ''), 'base64'),
	case when u.st256 <> '' then u.n::int end,
		case when u.st256 <> '' then decode(u.salt, 'base64') end,
	decode(nullif(u.st256, ''), 'base64'), decode(nullif(u.se256, ''), 'base64'),
	case when u.st512 <> '' then u.n::int end,
		case when u.st512 <> '' then decode(u.salt, 'base64') end,
	decode(nullif(u.st512, ''), 'base64'), decode(nullif(u.se512, ''), 'base64')
from unnest($3, $4, $5, $6, $7, $8, $9, $10, $11)
	as u (name, n, salt, st1, se1, st256, se256, st512, se512)
where not exists (select from tombstones t where t.host = $1 and t.localpart = u.name
	and t.until > $2)
on conflict (host, localpart) do nothing
returning localpart, id

-- Which of these names rest after a deletion.
-- name: admin_resting
-- args: i i T
-- mode: read
select localpart from tombstones where host = $1 and until > $2 and localpart = any ($3)

-- What was given out to who knew the old password is void.
-- name: admin_password
-- args: i t i b b b i b b b i b b b
-- key: 2
-- mode: write
-- repeatable: yes
with changed as (
	update users set
		sha1_iterations = $3::int, sha1_salt = $4, sha1_stored_key = $5,
			sha1_server_key = $6,
		sha256_iterations = $7::int, sha256_salt = $8, sha256_stored_key = $9,
			sha256_server_key = $10,
		sha512_iterations = $11::int, sha512_salt = $12, sha512_stored_key = $13,
			sha512_server_key = $14
	where host = $1 and localpart = $2 returning id
), revoked as (
	update clients set password = false, token = null, token_mechanism = null,
		token_issued = null, token_expires = null,
		next_token = null, next_mechanism = null, next_issued = null, next_expires = null
	where account in (select id from changed)
)
select id from changed

-- The name rests until $3.
-- name: admin_delete
-- args: i t i
-- key: 2
-- mode: write
with gone as (
	delete from users where host = $1 and localpart = $2 returning id
), grave as (
	insert into tombstones (host, localpart, until) select $1, $2, $3 from gone
	on conflict (host, localpart) do update set until = excluded.until
)
select id from gone

-- name: admin_disable
-- args: i t i
-- key: 2
-- mode: write
-- repeatable: yes
with changed as (
	update users set disabled = $3 <> 0 where host = $1 and localpart = $2 returning id
), revoked as (
	update clients set token = null, token_mechanism = null, token_issued = null,
		token_expires = null,
		next_token = null, next_mechanism = null, next_issued = null, next_expires = null
	where $3 <> 0 and account in (select id from changed)
)
select id from changed

-- name: admin_show
-- args: i t
-- mode: read
select id, created, coalesce(last_seen, 0), disabled, sha1_salt is not null,
	sha256_salt is not null, sha512_salt is not null
from users where host = $1 and localpart = $2

-- Host 0: all of them. A page: what comes after ($2, $3).
-- name: admin_list
-- args: i t t i
-- mode: read
select u.localpart || '@' || h.name, u.created, coalesce(u.last_seen, 0), u.disabled
from users u join hosts h on h.id = u.host
where ($1 = 0 or h.id = $1) and (h.name, u.localpart) > ($2, $3)
order by h.name, u.localpart limit $4
