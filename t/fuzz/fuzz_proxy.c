/* SPDX-License-Identifier: MIT */
/* fuzz_proxy: a header is found at the same place however much follows it, and never before all of
 * it is there. */
#include "config.h"

#include <stdint.h>
#include <string.h>

#include "net/proxy.h"
#include <stonechat/log.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct proxy_header header, again;
	enum proxy_result result = proxy_parse(bytes, n, &header);

	if (result == PROXY_MORE)
		sc_assert(n < PROXY_MAX);
	if (result != PROXY_DONE)
		return 0;
	sc_assert(header.length > 0 && header.length <= n && header.length <= PROXY_MAX);
	sc_assert(!header.has_peer || header.peer.ss_family == AF_INET ||
		header.peer.ss_family == AF_INET6);
	sc_assert(proxy_parse(bytes, header.length, &again) == PROXY_DONE &&
		again.length == header.length);
	sc_assert(memcmp(&again.peer, &header.peer, sizeof(again.peer)) == 0);
	for (size_t i = 0; i < header.length; i++)
		sc_assert(proxy_parse(bytes, i, &again) == PROXY_MORE);
	return 0;
}
