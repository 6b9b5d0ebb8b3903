/* SPDX-License-Identifier: GPL-2.0-only */
#include "selftest/errand.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/cleanup.h"

int me_errand_enter(const char *cgroup)
{
	_cleanup_close_ int fd = -1;
	char path[4096];

	if ((size_t)snprintf(path, sizeof(path), "%s/cgroup.procs", cgroup) >= sizeof(path))
		return -ENAMETOOLONG;
	fd = open(path, O_WRONLY | O_CLOEXEC);
	return fd < 0 || write(fd, "0", 1) != 1 ? -errno : 0;
}

/* What it says goes to its parent; a NUL when it is done. */
static _Noreturn void run(int say, pid_t parent, const char *cgroup, int netns, me_errand_fn *fn,
			  void *userdata, struct me_truth *truth)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent ||
	    dup2(say, STDOUT_FILENO) < 0 || dup2(say, STDERR_FILENO) < 0)
		_exit(1);
	if (netns >= 0 && setns(netns, CLONE_NEWNET))
		me_traffic_die("setns");
	if (cgroup && me_errand_enter(cgroup))
		me_traffic_die("%s", cgroup);
	if (netns >= 0) /* its parent's sockets are not its own */
		close_range(STDERR_FILENO + 1, ~0u, 0);
	errno = 0;
	fn(userdata, truth);
	fflush(stdout);
	if (write(STDOUT_FILENO, "", 1) != 1)
		_exit(1);
	for (;;)
		pause();
}

int me_errand_begin(struct me_errand *ret_errand, const char *cgroup, int netns, me_errand_fn *fn,
		    void *userdata)
{
	struct me_errand errand = {.fd = -1};
	pid_t parent = getpid();
	int pipe[2];

	errand.truth = mmap(NULL, sizeof(*errand.truth), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (errand.truth == MAP_FAILED)
		return -errno;
	if (pipe2(pipe, O_CLOEXEC | O_NONBLOCK)) {
		munmap(errand.truth, sizeof(*errand.truth));
		return -errno;
	}
	fflush(NULL);
	errand.pid = fork();
	if (!errand.pid)
		run(pipe[1], parent, cgroup, netns, fn, userdata, errand.truth);
	close(pipe[1]);
	errand.fd = pipe[0];
	*ret_errand = errand;
	if (errand.pid > 0)
		return 0;
	me_errand_end(ret_errand);
	return -EAGAIN;
}

/* The line that it said last, without what is for machines. */
static void trim(char *words)
{
	char *line;

	words[strcspn(words, "\n")] = '\0';
	line = strncmp(words, "absent=", 7) ? words : words + 7;
	memmove(words, line, strlen(line) + 1);
}

enum me_errand_state me_errand_look(struct me_errand *errand)
{
	size_t have = strlen(errand->words);
	char more[sizeof(errand->words)];
	int status;
	ssize_t n;

	while (errand->state == ME_ERRAND_RUNS) {
		n = read(errand->fd, more, sizeof(more));
		if (n < 0)
			return errand->state;
		for (ssize_t i = 0; i < n; i++) {
			if (!more[i])
				errand->state = ME_ERRAND_DONE;
			else if (have + 1 < sizeof(errand->words))
				errand->words[have++] = more[i];
		}
		if (n || waitpid(errand->pid, &status, 0) != errand->pid)
			continue;
		errand->pid = 0;
		errand->state = WIFEXITED(status) && WEXITSTATUS(status) == ME_TRAFFIC_ABSENT
					? ME_ERRAND_ABSENT
					: ME_ERRAND_BROKEN;
	}
	trim(errand->words);
	return errand->state;
}

void me_errand_end(struct me_errand *errand)
{
	if (errand->pid > 0) {
		kill(errand->pid, SIGKILL);
		waitpid(errand->pid, NULL, 0);
	}
	errand->pid = 0;
	me_closep(&errand->fd);
	errand->fd = -1;
	if (errand->truth)
		munmap(errand->truth, sizeof(*errand->truth));
	errand->truth = NULL;
}
