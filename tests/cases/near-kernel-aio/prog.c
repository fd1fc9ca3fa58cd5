#include "near.h"
#include <linux/aio_abi.h>
#include <sys/timerfd.h>

int tree(void)
{
	struct itimerspec when = {.it_value.tv_sec = LATE_S};
	int event = NEED(eventfd(0, 0)), timer = NEED(timerfd_create(CLOCK_MONOTONIC, 0));
	struct iocb work = {.aio_lio_opcode = IOCB_CMD_POLL, .aio_buf = POLLIN, .aio_flags = IOCB_FLAG_RESFD}, *list = &work;
	aio_context_t context = 0;
	eventfd_t count;

	NEED(timerfd_settime(timer, 0, &when, NULL));
	NEED(syscall(SYS_io_setup, 1, &context));
	work.aio_fildes = (uint32_t)timer;
	work.aio_resfd = (uint32_t)event;
	NEED(syscall(SYS_io_submit, context, 1, &list));
	close(timer);
	return eventfd_read(event, &count);
}

int outside(void)
{
	return 0;
}
