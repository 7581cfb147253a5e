/*
 * The checker: what a guest knows of its own fate, told to a listener outside of the product. It runs in the small Linux of the tests.
 *
 *   memory   fills pages with a pattern of (page, times written), looks at every word of each again and again, and rewrites a part of them at a set rate
 *   disk     writes numbered records to /dev/vda, each waited for (O_DSYNC), and reads all of them again and again past every cache
 *   words    one line by UDP at each tick, and now and then the same on the serial line:
 *            LCG1 id=ID run=HEX tick=N at=NS written=N found=N sweeps=N pages=N slots=N what=TEXT
 *
 *   run      of this boot; at: its own monotonic clock; written: the last record that the disk has taken; found: the last one that this boot found there
 *   sweeps   how often all of the memory was looked at; pages, slots: how many were wrong; what: the first thing that was wrong, or -
 *
 * Told on the kernel's command line: checker.id= checker.to=A.B.C.D:PORT checker.tick=MS checker.serial=MS checker.memory=MIB checker.dirty=MIB
 * checker.rate=MIB/S checker.writes=PER-S (0: leave the disk alone) checker.slots=N; checker.fault=page|slot spoils one after a while, to see that it is found.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PAGE 4096
#define WORDS (PAGE / 8)
#define MAGIC 0x31544f4c5347434cull /* "LCGSLOT1" */
#define SECOND 1000000000ull

struct slot {
  uint64_t magic, counter, run, owner, words[WORDS - 4];
};

static struct {
  char id[64], fault[16];
  struct sockaddr_in to;
  uint64_t tick_ms, serial_ms, memory_mib, dirty_mib, rate_mib, writes, slots;
} given = {.id = "?", .tick_ms = 50, .serial_ms = 1000, .memory_mib = 16, .dirty_mib = 4, .rate_mib = 2, .writes = 10, .slots = 256};

static uint64_t run_id;
static _Atomic uint64_t written, found, sweeps, bad_pages, bad_slots;
static char what[96] = "-";
static atomic_flag is_told = ATOMIC_FLAG_INIT;

static uint64_t now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * SECOND + now.tv_nsec;
}

static void rest_until(uint64_t ns) {
  struct timespec until = {ns / SECOND, ns % SECOND};
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR) {}
}

static uint64_t mix(uint64_t a, uint64_t b) {
  uint64_t x = a * 0x9e3779b97f4a7c15ull ^ (b + 0xbf58476d1ce4e5b9ull) * 0x94d049bb133111ebull;
  return x ^ x >> 29;
}

/* Only the first thing that was wrong is told; the others are counted. No blanks: it is one word of a line. */
static void tell(const char *format, ...) {
  char text[sizeof what];
  if (atomic_flag_test_and_set(&is_told)) return;
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  memcpy(what, text, sizeof what);
}

/* ---- memory ---- */

static uint64_t *region;
static uint32_t *times; /* how often each page was written */

static void fill_page(uint64_t page) {
  uint64_t *words = region + page * WORDS, base = mix(page, ++times[page]);
  for (int i = 0; i < WORDS; i++) words[i] = base + i * 0x2545f4914f6cdd1dull;
}

static void look_at_page(uint64_t page) {
  uint64_t *words = region + page * WORDS, base = mix(page, times[page]);
  for (int i = 0; i < WORDS; i++) {
    if (words[i] == base + i * 0x2545f4914f6cdd1dull) continue;
    bad_pages++;
    tell("page-%llu-word-%d-at-write-%u", (unsigned long long)page, i, times[page]);
    fill_page(page); /* counted once */
    return;
  }
}

/* Each step of 10 ms rewrites as much of the dirty part as the rate says, and looks at as much of the rest. */
static void *keep_memory(void *_) {
  const uint64_t pages = given.memory_mib << 8, dirty = given.dirty_mib << 8, step_ns = SECOND / 100;
  const uint64_t per_second = given.rate_mib << 8, looked_per_second = given.rate_mib > 4 ? per_second : 4 << 8;
  uint64_t write_at = 0, look_at = dirty, owed = 0, looked = 0, seen_dirty = 0, seen_rest = 0, next = now_ns();
  for (uint64_t step = 1;; step++) {
    for (owed += per_second; owed >= 100 && dirty > 0; owed -= 100) {
      look_at_page(write_at);
      fill_page(write_at);
      if (++write_at == dirty) write_at = 0, seen_dirty++;
    }
    for (looked += looked_per_second; looked >= 100 && pages > dirty; looked -= 100) {
      look_at_page(look_at);
      if (++look_at == pages) look_at = dirty, seen_rest++;
    }
    sweeps = per_second == 0 || dirty == 0 ? seen_rest : pages == dirty || seen_dirty < seen_rest ? seen_dirty : seen_rest;
    if (step == 500 && !strcmp(given.fault, "page")) region[(pages - 1) * WORDS + 7] ^= 1ull << 40;
    /* A guest that stood still does not make up for it. */
    next += step_ns;
    if (next < now_ns()) next = now_ns();
    rest_until(next);
  }
  return NULL;
}

/* ---- disk ---- */

static int disk = -1;

static uint64_t owner_of(const char *id) {
  uint64_t hash = 14695981039346656037ull;
  for (; *id; id++) hash = (hash ^ (unsigned char)*id) * 1099511628211ull;
  return hash;
}

static void make_slot(struct slot *slot, uint64_t counter, uint64_t run) {
  *slot = (struct slot){.magic = MAGIC, .counter = counter, .run = run, .owner = owner_of(given.id)};
  for (int i = 0; i < WORDS - 4; i++) slot->words[i] = mix(counter, run + i);
}

/* The number of the record that lies there whole; 0: none does. */
static uint64_t read_slot(struct slot *buffer, uint64_t index) {
  struct slot *wanted = buffer + 1;
  if (pread(disk, buffer, PAGE, index * PAGE) != PAGE) return 0;
  make_slot(wanted, buffer->counter, buffer->run);
  return memcmp(buffer, wanted, PAGE) == 0 ? buffer->counter : 0;
}

/* Which record belongs there when `last` was the last one written; 0: none yet. */
static uint64_t belongs(uint64_t index, uint64_t last) {
  uint64_t behind = (last + given.slots - index) % given.slots;
  return behind < last ? last - behind : 0;
}

static void look_at_slot(struct slot *buffer, uint64_t index, uint64_t last) {
  uint64_t wanted = belongs(index, last);
  if (wanted == 0) return;
  uint64_t is = read_slot(buffer, index);
  if (is == wanted) return;
  bad_slots++;
  tell("slot-%llu-has-%llu-not-%llu", (unsigned long long)index, (unsigned long long)is, (unsigned long long)wanted);
}

static void scan(struct slot *buffer) {
  uint64_t last = 0;
  for (uint64_t index = 0; index < given.slots; index++) {
    uint64_t counter = read_slot(buffer, index);
    if (counter % given.slots == index && counter > last) last = counter;
  }
  /* The one that was being written when the last boot ended may be half there. */
  for (uint64_t index = 0; index < given.slots; index++)
    if (index != (last + 1) % given.slots) look_at_slot(buffer, index, last);
  found = written = last;
}

static void *keep_disk(void *_) {
  struct slot *buffer = aligned_alloc(PAGE, 2 * PAGE);
  uint64_t look = 0, next = now_ns();
  for (;;) {
    uint64_t counter = written + 1;
    make_slot(buffer, counter, run_id);
    if (pwrite(disk, buffer, PAGE, counter % given.slots * PAGE) != PAGE) {
      bad_slots++;
      tell("write-%llu-errno-%d", (unsigned long long)counter, errno);
    } else written = counter;
    if (counter - found == 20 && !strcmp(given.fault, "slot")) {
      memset(buffer, 0, 512);
      if (pwrite(disk, buffer, PAGE, (counter - 2) % given.slots * PAGE) != PAGE) tell("the-fault-failed");
    }
    for (int i = 0; i < 4; i++, look = (look + 1) % given.slots) look_at_slot(buffer, look, written);
    next += SECOND / given.writes;
    if (next < now_ns()) next = now_ns();
    rest_until(next);
  }
  return NULL;
}

/* ---- what it was told, and what it tells ---- */

static void read_command_line(void) {
  char line[8192] = "", ip[32];
  int file = open("/proc/cmdline", O_RDONLY), port;
  if (file < 0 || read(file, line, sizeof line - 1) < 0) perror("/proc/cmdline");
  close(file);
  for (char *word = strtok(line, " \n"); word; word = strtok(NULL, " \n")) {
    struct { const char *key; uint64_t *value; } numbers[] = {
      {"checker.tick=%lu", &given.tick_ms}, {"checker.serial=%lu", &given.serial_ms}, {"checker.memory=%lu", &given.memory_mib}, {"checker.dirty=%lu", &given.dirty_mib},
      {"checker.rate=%lu", &given.rate_mib}, {"checker.writes=%lu", &given.writes}, {"checker.slots=%lu", &given.slots},
    };
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) sscanf(word, numbers[i].key, numbers[i].value);
    sscanf(word, "checker.id=%63s", given.id);
    sscanf(word, "checker.fault=%15s", given.fault);
    if (sscanf(word, "checker.to=%31[0-9.]:%d", ip, &port) == 2) {
      given.to.sin_family = AF_INET;
      given.to.sin_port = htons(port);
      inet_pton(AF_INET, ip, &given.to.sin_addr);
    }
  }
}

static void keep_ticking(void) {
  int line = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  char text[512];
  uint64_t next = now_ns(), serial_at = 0;
  for (uint64_t tick = 1;; tick++) {
    uint64_t at = now_ns();
    int length = snprintf(text, sizeof text, "LCG1 id=%s run=%016llx tick=%llu at=%llu written=%llu found=%llu sweeps=%llu pages=%llu slots=%llu what=%s\n", given.id,
      (unsigned long long)run_id, (unsigned long long)tick, (unsigned long long)at, (unsigned long long)written, (unsigned long long)found, (unsigned long long)sweeps,
      (unsigned long long)bad_pages, (unsigned long long)bad_slots, what);
    /* No address yet, or no room: the next word says more. */
    if (given.to.sin_family == AF_INET && sendto(line, text, length, MSG_NOSIGNAL, (struct sockaddr *)&given.to, sizeof given.to) < 0) {}
    if (at >= serial_at) {
      serial_at = at + given.serial_ms * 1000000;
      if (write(STDOUT_FILENO, text, length) < 0) {}
    }
    next += given.tick_ms * 1000000;
    if (next < now_ns()) next = now_ns();
    rest_until(next);
  }
}

int main(void) {
  pthread_t thread;
  read_command_line();
  struct timespec wall;
  clock_gettime(CLOCK_REALTIME, &wall);
  if (getrandom(&run_id, sizeof run_id, GRND_NONBLOCK) != sizeof run_id) run_id = mix(now_ns(), 1);
  run_id ^= mix(wall.tv_sec, wall.tv_nsec);
  if (given.writes > 0 && given.slots > 1) {
    disk = open("/dev/vda", O_RDWR | O_DIRECT | O_DSYNC | O_CLOEXEC);
    if (disk < 0) {
      bad_slots++;
      tell("no-disk-errno-%d", errno);
    } else {
      scan(aligned_alloc(PAGE, 2 * PAGE));
      pthread_create(&thread, NULL, keep_disk, NULL);
    }
  }
  if (given.dirty_mib > given.memory_mib) given.dirty_mib = given.memory_mib;
  if (given.memory_mib > 0) {
    region = mmap(NULL, given.memory_mib << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    times = calloc(given.memory_mib << 8, sizeof *times);
    if (region == MAP_FAILED || times == NULL) {
      bad_pages++;
      tell("no-memory");
    } else {
      for (uint64_t page = 0; page < given.memory_mib << 8; page++) fill_page(page);
      pthread_create(&thread, NULL, keep_memory, NULL);
    }
  }
  keep_ticking();
}
