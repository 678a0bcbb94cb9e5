/* SPDX-License-Identifier: MIT */
/* confine: no_new_privs, and a seccomp filter of four instructions and their like. */
#include "config.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <stonechat/log.h>
#include "confine.h"

#if defined __x86_64__
#define OUR_ARCH AUDIT_ARCH_X86_64
#define CALLS_END 0x40000000u   /* from here on the calls of x32, which have numbers of their own */
#elif defined __aarch64__
#define OUR_ARCH AUDIT_ARCH_AARCH64
#define CALLS_END UINT32_MAX
#endif

void
confine_rights(void)
{
	(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

void
confine_exec(void)
{
#ifdef OUR_ARCH
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, OUR_ARCH, 0, 4),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, CALLS_END, 2, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_execve, 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_execveat, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { .len = sizeof filter / sizeof *filter, .filter = filter };

	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) != 0)
		sc_log(NULL, SC_LOG_DEBUG, "worker.not_confined", "errno=%d", errno);
#endif
}
