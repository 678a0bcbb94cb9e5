/* SPDX-License-Identifier: MIT */
/* words: affiliations and roles as the protocol writes them. */
#include "muc/room.h"

static const char *const affiliations[] = { "outcast", "none", "member", "admin", "owner" };
static const char *const roles[] = { "none", "visitor", "participant", "moderator" };

static bool
find(const char *const *words, int n, const char *word, int *out)
{
	for (int i = 0; word != NULL && i < n; i++)
		if (sc_same(words[i], word)) {
			*out = i;
			return true;
		}
	return false;
}

const char *
affiliation_name(enum affiliation a)
{
	return affiliations[a];
}

const char *
role_name(enum role r)
{
	return roles[r];
}

bool
affiliation_read(const char *word, enum affiliation *out)
{
	int i;

	if (!find(affiliations, AFFILIATIONS, word, &i))
		return false;
	*out = (enum affiliation)i;
	return true;
}

bool
role_read(const char *word, enum role *out)
{
	int i;

	if (!find(roles, ROLES, word, &i))
		return false;
	*out = (enum role)i;
	return true;
}
