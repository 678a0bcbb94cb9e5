-- The core writes this table at logins; here it is read, and access taken away.

-- What a client may log in by counts only while it is good, $2 is now.
-- name: client_access_list
-- args: i i
-- mode: read
select reference, agent, software, device, first_seen, last_seen, password,
	coalesce(token_expires > $2, false) or coalesce(next_expires > $2, false)
from clients where account = $1 order by last_seen desc, agent

-- A client that knows the password can come back, so it stays on the list until that is changed. $2
-- null: all of them.
-- name: client_access_revoke
-- args: i t
-- key: 1
-- mode: write
with gone as (
	delete from clients where account = $1 and ($2 is null or reference = $2) and not password
		returning agent
), kept as (
	update clients set token = null, token_mechanism = null, token_issued = null,
		token_expires = null,
		next_token = null, next_mechanism = null, next_issued = null, next_expires = null
	where account = $1 and ($2 is null or reference = $2) and password returning agent
)
select agent, false from gone union all select agent, true from kept
