/* SPDX-License-Identifier: MIT */
/* contact_addresses: tells whom to write to about abuse, security … (XEP-0157), as a form in the
 * host's service discovery. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <stonechat/stonechat.h>

#define FORM_SERVERINFO "http://jabber.org/network/serverinfo"

typedef const char *const *list;

struct contact_conf {
	list abuse, admin, feedback, sales, security, status, support;
};

#define ADDRESSES(field, whom) \
	SC_CONF_LIST(struct contact_conf, field, "", "URIs " whom ", such as mailto: and xmpp:.")

static const struct sc_key conf[] = {
	ADDRESSES(abuse, "for complaints about abuse"),
	ADDRESSES(admin, "of the administrators"),
	ADDRESSES(feedback, "for what users want to say about the service"),
	ADDRESSES(sales, "for questions about buying something"),
	ADDRESSES(security, "for reports of security problems"),
	ADDRESSES(status, "where one reads whether the service is up"),
	ADDRESSES(support, "for users who need help"),
	SC_CONF_END
};

/* The fields of the form, in the order of their names, and where each finds its values. */
static const struct {
	const char *var, *key;
	size_t offset;
} fields[] = {
	{ "abuse-addresses", "abuse", offsetof(struct contact_conf, abuse) },
	{ "admin-addresses", "admin", offsetof(struct contact_conf, admin) },
	{ "feedback-addresses", "feedback", offsetof(struct contact_conf, feedback) },
	{ "sales-addresses", "sales", offsetof(struct contact_conf, sales) },
	{ "security-addresses", "security", offsetof(struct contact_conf, security) },
	{ "status-addresses", "status", offsetof(struct contact_conf, status) },
	{ "support-addresses", "support", offsetof(struct contact_conf, support) },
};

#define N_FIELDS (sizeof fields / sizeof fields[0])

/* NULL when the administrator gave none. */
static list
values_of(const struct contact_conf *c, size_t i)
{
	list values = *(const list *)(const void *)((const char *)c + fields[i].offset);

	return values != NULL && values[0] != NULL ? values : NULL;
}

static void
add_addresses(struct sc_ctx *ctx, struct sc_ev_disco *ev)
{
	const struct contact_conf *c = sc_conf(ctx);

	if (sc_disco_at(ev->disco) != SC_AT_SERVER || sc_disco_node(ev->disco) != NULL)
		return;
	for (size_t i = 0; i < N_FIELDS; i++) {
		list values = values_of(c, i);

		if (values != NULL)
			sc_disco_add_field(ev->disco, FORM_SERVERINFO, fields[i].var, "list-multi",
				values);
	}
}

/* RFC 3986 §3.1: a scheme, a colon, and something without spaces behind it. */
static bool
is_uri(const char *text)
{
	size_t n = 0;

	if (!isalpha((unsigned char)text[0]))
		return false;
	while (isalnum((unsigned char)text[n]) ||
	    (text[n] != '\0' && strchr("+-.", text[n]) != NULL))
		n++;
	if (text[n] != ':' || text[n + 1] == '\0')
		return false;
	for (; text[n] != '\0'; n++)
		if ((unsigned char)text[n] <= ' ')
			return false;
	return true;
}

static bool
check_uris(const void *conf_struct, char *error, size_t error_size)
{
	for (size_t i = 0; i < N_FIELDS; i++) {
		list values = values_of(conf_struct, i);

		for (; values != NULL && *values != NULL; values++)
			if (!is_uri(*values)) {
				snprintf(error, error_size,
					"%s: \"%s\" is not a URI such as mailto:%s@example.org",
					fields[i].key, *values, fields[i].key);
				return false;
			}
	}
	return true;
}

static const struct sc_hook hooks[] = {
	SC_SEE(disco_info, add_addresses),
	SC_END
};

SC_MODULE(contact_addresses,
	.summary = "Tells whom to write to about abuse, security and the like.",
	.implements = SC_LIST("XEP-0157 1.1.1"),
	.needs = SC_LIST("disco"),
	.hooks = hooks,
	.conf = conf,
	.conf_size = sizeof(struct contact_conf),
	.conf_check = check_uris
);
