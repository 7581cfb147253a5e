/* The guest's program of ./dev bench migrate and evacuate: has some memory that is not zero, writes a part of it anew at a set rate, and says over UDP
 * that it lives. What became of the guest is judged by what of that arrives.
 * ticker ADDRESS PORT NUMBER PERIOD_US FILLED_MIB DIRTY_MIB DIRTY_MIB_PER_S
 * A datagram: the number, a count, both of 32 bits in the guest's order (x86: little-endian). */
#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>

#define PAGE 4096

static uint64_t state = 88172645463325252u;

static uint64_t random64(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

int main(int count, char **words)
{
	if (count != 8)
		return 2;
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(words[2])) };
	inet_aton(words[1], &to.sin_addr);
	uint32_t message[2] = { (uint32_t)atoi(words[3]), 0 };
	long period_us = atol(words[4]), filled = atol(words[5]) << 20, dirty = atol(words[6]) << 20;
	double pages_per_tick = atof(words[7]) * (1 << 20) / PAGE * (double)period_us / 1e6, owed = 0;
	uint64_t *memory = mmap(NULL, (size_t)(filled + PAGE), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		return 1;
	for (long word = 0; word < filled / 8; word++)
		memory[word] = random64();
	puts("TICKER-READY");
	fflush(stdout);
	int line = socket(AF_INET, SOCK_DGRAM, 0);
	struct timespec pause = { .tv_sec = period_us / 1000000, .tv_nsec = period_us % 1000000 * 1000 };
	for (long next = 0;; message[1]++) {
		/* Before it has an address nothing can be sent. */
		(void)sendto(line, message, sizeof message, 0, (struct sockaddr *)&to, sizeof to);
		for (owed += pages_per_tick; owed >= 1 && dirty > 0; owed--, next = (next + PAGE) % dirty)
			memory[next / 8] = random64();
		nanosleep(&pause, NULL);
	}
}
