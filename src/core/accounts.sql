-- Accounts as the core needs them: to find one, and to check and keep its password.

-- name: account_load
-- args: i t
-- mode: read
select id, disabled, coalesce(last_seen, 0),
	exists (select from sleeping_sessions where account = users.id)
from users where host = $1 and localpart = $2

-- name: account_creds
-- args: i t
-- mode: read
select id, disabled,
	sha1_iterations, sha1_salt, sha1_stored_key, sha1_server_key,
	sha256_iterations, sha256_salt, sha256_stored_key, sha256_server_key,
	sha512_iterations, sha512_salt, sha512_stored_key, sha512_server_key
from users where host = $1 and localpart = $2

-- A login with the password itself makes verifiers that were missing. Only while the verifier that
-- was checked is still there: a password changed in the meantime must not come back.
-- name: account_upgrade
-- args: i b i b b b i b b b i b b b
-- key: 1
-- mode: write
update users set
	sha1_iterations = coalesce($3::int, sha1_iterations), sha1_salt = coalesce($4, sha1_salt),
	sha1_stored_key = coalesce($5, sha1_stored_key),
	sha1_server_key = coalesce($6, sha1_server_key),
	sha256_iterations = coalesce($7::int, sha256_iterations),
	sha256_salt = coalesce($8, sha256_salt),
	sha256_stored_key = coalesce($9, sha256_stored_key),
	sha256_server_key = coalesce($10, sha256_server_key),
	sha512_iterations = coalesce($11::int, sha512_iterations),
	sha512_salt = coalesce($12, sha512_salt),
	sha512_stored_key = coalesce($13, sha512_stored_key),
	sha512_server_key = coalesce($14, sha512_server_key)
where id = $1 and sha256_stored_key = $2
