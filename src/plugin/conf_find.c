/* SPDX-License-Identifier: MIT */
/* conf_find: single values by name, for code that may not know the struct of the section: lower
 * layers, `check`. */
#include "config.h"

#include "plugin/conf_inside.h"

#include <string.h>

static const void *
find(const struct conf *c, const char *section, const char *name, enum sc_conf_type *type)
{
	const struct conf_table *t = conf_table_named(section);

	for (int i = 0; t != NULL && i < t->n_keys; i++)
		if (strcmp(t->keys[i].name, name) == 0) {
			*type = t->keys[i].type;
			return (const char *)c->values[conf_table_index(t)].data +
				t->keys[i].offset;
		}
	return NULL;
}

bool
conf_find_number(const struct conf *c, const char *section, const char *name, int64_t *out)
{
	enum sc_conf_type type = SC_CONF_T_TEXT;
	const void *p = find(c, section, name, &type);

	if (p != NULL && type == SC_CONF_T_BOOL) {
		*out = *(const bool *)p;
		return true;
	}
	if (p == NULL || (type != SC_CONF_T_INT && type != SC_CONF_T_SIZE &&
	    type != SC_CONF_T_TIME))
		return false;
	*out = *(const int64_t *)p;
	return true;
}

const char *
conf_find_text(const struct conf *c, const char *section, const char *name)
{
	enum sc_conf_type type = SC_CONF_T_INT;
	const void *p = find(c, section, name, &type);

	return p != NULL && (type == SC_CONF_T_TEXT || type == SC_CONF_T_SECRET)
		? *(const char *const *)p : NULL;
}
