// SPDX-License-Identifier: MIT
/* Life of a device: creation, pause, end. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "device.h"
#include "qk.h"

#define NS_PER_S	UINT64_C(1000000000)
#define MIB		(UINT64_C(1) << 20)

/* ------------------------------------------------------------- helpers -- */

void qaccel_event(struct qaccel_device *dev, enum qaccel_event event,
		  uint64_t a, uint64_t b)
{
	const struct qaccel_bus *bus = &dev->config.bus;

	if (bus->event)
		bus->event(bus->opaque, event, a, b);
}

void qaccel_count(struct qaccel_device *dev, unsigned int counter, uint64_t n)
{
	uint64_t sum = qaccel_reg_pair(dev->regs, counter) + n;

	*qaccel_reg(dev->regs, counter) = (uint32_t)sum;
	*qaccel_reg(dev->regs, counter + 4) = (uint32_t)(sum >> 32);
}

uint64_t qaccel_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

void qaccel_wait_until(pthread_cond_t *cond, pthread_mutex_t *lock, uint64_t ns)
{
	struct timespec until = {
		.tv_sec = (time_t)(ns / NS_PER_S),
		.tv_nsec = (long)(ns % NS_PER_S),
	};

	pthread_cond_timedwait(cond, lock, &until);
}

void qaccel_wake_engines(struct qaccel_device *dev)
{
	for (unsigned int e = 0; e < dev->config.engines; e++)
		pthread_cond_broadcast(&dev->engines[e].wake);
}

bool qaccel_thread_create(pthread_t *thread, void *(*main)(void *), void *arg)
{
	static const int synchronous[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL };
	sigset_t blocked, old;
	bool ok;

	sigfillset(&blocked);
	for (unsigned int i = 0; i < 4; i++)
		sigdelset(&blocked, synchronous[i]);
	pthread_sigmask(SIG_SETMASK, &blocked, &old);
	ok = !pthread_create(thread, NULL, main, arg);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return ok;
}

/* ------------------------------------------------------------ creation -- */

static bool in_range(uint64_t value, uint64_t low, uint64_t high)
{
	return value >= low && value <= high;
}

/* What the registers can tell, and the timing model can divide by. */
static bool timing_valid(const struct qaccel_timing *timing)
{
	return in_range(timing->mac_rows, 1, UINT16_MAX) &&
	       in_range(timing->mac_columns, 1, UINT16_MAX) &&
	       timing->clock_khz && timing->dma_bytes_per_cycle;
}

static const char *check_config(const struct qaccel_device_config *config)
{
	const struct qaccel_bus *bus = &config->bus;

	if (!in_range(config->queues, 1, QACCEL_MAX_QUEUES))
		return "the number of queues is out of range";
	if (!in_range(config->engines, 1, QACCEL_MAX_ENGINES))
		return "the number of engines is out of range";
	if (!config->vectors)
		return "there is no interrupt vector";
	if (!in_range(config->local_mem, MIB, 1024 * MIB))
		return "the local memory is out of range";
	if (!timing_valid(&config->timing))
		return "the timing model is out of range";
	if (!bus->map || !bus->unmap || !bus->read || !bus->write ||
	    !bus->interrupt)
		return "the bus lacks a function";
	if (!qk_select(config->isa))
		return "the instruction set is not available";
	return NULL;
}

static bool init_cond(pthread_cond_t *cond)
{
	pthread_condattr_t attr;
	bool ok;

	if (pthread_condattr_init(&attr))
		return false;
	ok = !pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) &&
	     !pthread_cond_init(cond, &attr);
	pthread_condattr_destroy(&attr);
	return ok;
}

static bool init_sync(struct qaccel_device *dev)
{
	if (pthread_mutex_init(&dev->lock, NULL))
		return false;
	for (unsigned int e = 0; e < dev->config.engines; e++)
		if (!init_cond(&dev->engines[e].wake))
			return false;
	return init_cond(&dev->idle) && init_cond(&dev->timer);
}

static bool start_threads(struct qaccel_device *dev)
{
	for (unsigned int e = 0; e < dev->config.engines; e++)
		if (!qaccel_engine_create(dev, e))
			return false;
	dev->timer_started = qaccel_thread_create(&dev->timer_thread,
						  qaccel_irq_timer, dev);
	return dev->timer_started;
}

struct qaccel_device *
qaccel_device_create(const struct qaccel_device_config *config,
					   const char **error)
{
	struct qaccel_device *dev;

	*error = check_config(config);
	if (*error)
		return NULL;
	*error = "out of memory or threads";
	dev = calloc(1, sizeof(*dev));
	if (!dev)
		return NULL;
	dev->config = *config;
	dev->kernels = qk_select(config->isa);
	qaccel_reset_registers(dev);
	if (!init_sync(dev)) {
		free(dev);
		return NULL;
	}
	if (!start_threads(dev)) {
		qaccel_device_destroy(dev);
		return NULL;
	}
	*error = NULL;
	return dev;
}

/* ----------------------------------------------------------------- end -- */

static void stop_threads(struct qaccel_device *dev)
{
	pthread_mutex_lock(&dev->lock);
	dev->stop = true;
	for (unsigned int e = 0; e < dev->config.engines; e++)
		qaccel_engine_abort(&dev->engines[e]);
	qaccel_wake_engines(dev);
	pthread_cond_broadcast(&dev->timer);
	pthread_mutex_unlock(&dev->lock);
	if (dev->timer_started)
		pthread_join(dev->timer_thread, NULL);
}

void qaccel_device_destroy(struct qaccel_device *dev)
{
	if (!dev)
		return;
	stop_threads(dev);
	for (unsigned int e = 0; e < dev->config.engines; e++) {
		qaccel_engine_destroy(&dev->engines[e]);
		pthread_cond_destroy(&dev->engines[e].wake);
	}
	pthread_cond_destroy(&dev->idle);
	pthread_cond_destroy(&dev->timer);
	pthread_mutex_destroy(&dev->lock);
	free(dev);
}

/* --------------------------------------------------------------- pause -- */

static bool all_quiet(struct qaccel_device *dev)
{
	for (unsigned int e = 0; e < dev->config.engines; e++)
		if (dev->engines[e].busy && !dev->engines[e].parked)
			return false;
	return true;
}

void qaccel_device_pause(struct qaccel_device *dev)
{
	pthread_mutex_lock(&dev->lock);
	dev->paused = true;
	while (!all_quiet(dev))
		pthread_cond_wait(&dev->idle, &dev->lock);
	pthread_mutex_unlock(&dev->lock);
}

void qaccel_device_resume(struct qaccel_device *dev)
{
	pthread_mutex_lock(&dev->lock);
	dev->paused = false;
	qaccel_wake_engines(dev);
	pthread_cond_broadcast(&dev->timer);
	pthread_mutex_unlock(&dev->lock);
}
