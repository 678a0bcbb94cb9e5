-- name: tally_account
-- args: i
-- mode: read
select created from users where id = $1;
