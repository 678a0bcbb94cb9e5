-- The clients of an account and their tokens (XEP-0388 user agents, XEP-0484).

-- What a login by a token is checked against.
-- name: client_creds
-- args: i t t
-- mode: read
select u.id, u.disabled,
	c.token, c.token_mechanism, c.token_issued, c.token_expires,
	c.next_token, c.next_mechanism, c.next_issued, c.next_expires
from users u left join clients c on c.account = u.id and c.agent = $3
where u.host = $1 and u.localpart = $2

-- A login by other means than a token: $7 by a password, whose verifier was $11. Only while that is
-- still there: a token must not outlive the change of the password before it. $8 to $10 are a token
-- for the client, or null.
-- name: client_login
-- args: i t t t t i i t t i b i i
-- key: 1
-- mode: write
with old as (
	delete from clients where account = $1 and agent <> $2 and (last_seen < $13 or agent in (
		select o.agent from clients o where o.account = $1 and o.agent <> $2
			order by o.last_seen desc offset $12 - 1))
)
insert into clients as c (account, agent, reference, software, device, first_seen, last_seen,
	password,
	next_token, next_mechanism, next_issued, next_expires)
select $1, $2, $3, $4, $5, $6, $6, $7 <> 0, $8, $9, case when $8 is not null then $6 end, $10
where exists (select from users u where u.id = $1 and not u.disabled and
	($11 is null or $11 in (u.sha1_stored_key, u.sha256_stored_key, u.sha512_stored_key)))
on conflict (account, agent) do update set
	software = excluded.software, device = excluded.device,
	last_seen = greatest(c.last_seen, excluded.last_seen),
	password = c.password or excluded.password,
	next_token = coalesce(excluded.next_token, c.next_token),
	next_mechanism = coalesce(excluded.next_mechanism, c.next_mechanism),
	next_issued = coalesce(excluded.next_issued, c.next_issued),
	next_expires = coalesce(excluded.next_expires, c.next_expires)
returning 1

-- A login by the token $3. No row: it was taken away meanwhile, or its count $7 was used before.
-- The new token that is used becomes the present one; $8: it is the last time that any of them is
-- used. $9 to $11 are a newer one, or null.
-- name: client_token
-- args: i t t i t t i i t t i
-- key: 1
-- mode: write
update clients set
	last_seen = greatest(last_seen, $4), software = coalesce($5, software),
	device = coalesce($6, device),
	token = case when $8 <> 0 then null when next_token = $3 then next_token else token end,
	token_mechanism = case when $8 <> 0 then null when next_token = $3 then next_mechanism
		else token_mechanism end,
	token_issued = case when $8 <> 0 then null when next_token = $3 then next_issued
		else token_issued end,
	token_expires = case when $8 <> 0 then null when next_token = $3 then next_expires
		else token_expires end,
	token_count = case when next_token = $3 then coalesce($7, -1)
		else coalesce($7, token_count) end,
	next_token = case when $9 is not null then $9 when $8 <> 0 or next_token = $3 then null
		else next_token end,
	next_mechanism = case when $9 is not null then $10
		when $8 <> 0 or next_token = $3 then null else next_mechanism end,
	next_issued = case when $9 is not null then $4 when $8 <> 0 or next_token = $3 then null
		else next_issued end,
	next_expires = case when $9 is not null then $11 when $8 <> 0 or next_token = $3 then null
		else next_expires end
where account = $1 and agent = $2
	and (next_token = $3 or (token = $3 and ($7 is null or $7 > token_count)))
returning 1

-- XEP-0480: a verifier that only the client could make; $2 is the bits of SHA-256, which may be
-- missing as SHA-512 may. Nothing that is there is replaced, and the verifier $3 of the login must
-- still be there.
-- name: client_upgrade
-- args: i i b i b b b
-- key: 1
-- mode: write
update users set
	sha256_iterations = case when $2 = 256 then $4::int else sha256_iterations end,
	sha256_salt = case when $2 = 256 then $5 else sha256_salt end,
	sha256_stored_key = case when $2 = 256 then $6 else sha256_stored_key end,
	sha256_server_key = case when $2 = 256 then $7 else sha256_server_key end,
	sha512_iterations = case when $2 = 512 then $4::int else sha512_iterations end,
	sha512_salt = case when $2 = 512 then $5 else sha512_salt end,
	sha512_stored_key = case when $2 = 512 then $6 else sha512_stored_key end,
	sha512_server_key = case when $2 = 512 then $7 else sha512_server_key end
where id = $1 and $3 in (sha1_stored_key, sha256_stored_key, sha512_stored_key) and
	case $2 when 256 then sha256_iterations when 512 then sha512_iterations else 1 end is null
