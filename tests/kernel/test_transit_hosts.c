/* SPDX-License-Identifier: GPL-2.0-only */
/* Whose packets they are: mail hosts by address, prefix and MAC address, and everybody else. */
#include "transit.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "base/inet.h"
#include "transit_packet.h"

#define HOST "192.0.2.10"      /* number 1, by its address */
#define HOST6 "2001:db8::10"   /* number 2 */
#define NET "198.51.100."      /* number 3: 198.51.100.0/24 */
#define MAC 0x77               /* number 4: 02:00:00:00:00:77 */
#define INNER "198.51.100.200" /* number 5: an address inside the prefix */
#define NOBODY "192.0.2.99"
#define GOOD "203.0.113.1"
#define GOOD6 "2001:db8:1::1"
#define BAD "203.0.113.9"
#define NTP 123

#define POLICY(hosts)                                                                              \
	"version: 1\n"                                                                             \
	"watch: {interfaces: [lan0], hosts: " hosts "}\n"                                          \
	"allow:\n"                                                                                 \
	"  - {service: good, name: hosts, to: [" GOOD ", \"" GOOD6                                 \
	"\"], ports: [udp/123, tcp/22]}\n"

static const char policy[] = POLICY("[" HOST ", \"" HOST6 "\", " NET "0/24, "
				    "{mac: \"02:00:00:00:00:77\"}, " INNER "]");

#define ALLOWED .verdict = ME_ALLOWED, .evidence = ME_EVIDENCE_LISTED
#define INBOUND .verdict = ME_UNRESOLVED, .direction = ME_DIRECTION_IN

static void exchange(struct transit *transit, const char *host, const char *peer, uint8_t mac)
{
	struct talk talk = talk_begin(transit, IPPROTO_UDP, host, peer, NTP);

	talk.mac = mac;
	talk_datagram(&talk, SENT, 10);
	talk_datagram(&talk, RECEIVED, 20);
	TALK_EXPECT(&talk, ALLOWED, .outcome = ME_OUTCOME_ANSWERED, .sent = 10, .received = 20);
}

static void assert_host(struct transit *transit, const char *address, uint64_t number,
			uint64_t attempts, uint64_t violations, uint8_t mac)
{
	struct me_host_counts counts = transit_host(transit, address);

	assert_int_equal(counts.number, number);
	assert_int_equal(counts.attempts, attempts);
	assert_int_equal(counts.violations, violations);
	assert_int_equal(counts.mac, me_mac((uint8_t[]){2, 0, 0, 0, 0, mac}));
	assert_true(counts.first_ns && counts.first_ns <= counts.last_ns);
}

static void each_by_what_it_is_known(void **state)
{
	struct transit *transit = *state;
	struct talk bad = talk_begin(transit, IPPROTO_UDP, NET "7", BAD, NTP);

	exchange(transit, HOST, GOOD, 0x20);
	exchange(transit, HOST6, GOOD6, 0x20);
	exchange(transit, NET "7", GOOD, 0x21);
	exchange(transit, NET "7", GOOD, 0x22); /* the first one stands */
	exchange(transit, NET "8", GOOD, 0x21);
	exchange(transit, "10.0.0.1", GOOD, MAC);
	exchange(transit, "2001:db8:9::1", GOOD6, MAC);
	exchange(transit, HOST, GOOD, MAC); /* an address says more */
	exchange(transit, INNER, GOOD, 0x23);
	bad.mac = 0x21;
	talk_datagram(&bad, SENT, 1);
	assert_host(transit, HOST, 1, 2, 0, 0x20);
	assert_host(transit, HOST6, 2, 1, 0, 0x20);
	assert_host(transit, NET "7", 3, 3, 1, 0x21);
	assert_host(transit, NET "8", 3, 1, 0, 0x21);
	assert_host(transit, "10.0.0.1", 4, 1, 0, MAC);
	assert_host(transit, "2001:db8:9::1", 4, 1, 0, MAC);
	assert_host(transit, INNER, 5, 1, 0, 0x23);
	assert_int_equal(transit_entries(transit, "me_host_table"), 7);
	TRANSIT_EXPECT(transit, FINAL(ME_ALLOWED) = 9, FINAL(STRANGER) = 1);
}

static int sum(const struct me_addr *address, const struct me_host_counts *counts, void *userdata)
{
	*(uint64_t *)userdata += counts->attempts;
	return 0;
}

static void all_of_them_can_be_listed(void **state)
{
	struct transit *transit = *state;
	char address[ME_INET_LEN];
	uint64_t attempts = 0;

	for (int i = 1; i < 200; i++) {
		snprintf(address, sizeof(address), NET "%d", i);
		exchange(transit, address, GOOD, 0);
	}
	assert_int_equal(me_kernel_hosts_each(transit->kernel, sum, &attempts), 0);
	assert_int_equal(attempts, 199);
}

/* Also what is opened from outside is known by whom it is for. */
static void inbound(void **state)
{
	struct talk by_prefix = talk_begin(*state, IPPROTO_UDP, NET "7", BAD, 40000),
		    by_mac = talk_begin(*state, IPPROTO_UDP, "10.0.0.1", BAD, 40000);

	talk_datagram(&by_prefix, RECEIVED, 5);
	TALK_EXPECT(&by_prefix, INBOUND, .received = 5);
	by_mac.mac = MAC;
	talk_datagram(&by_mac, RECEIVED, 5);
	TALK_EXPECT(&by_mac, INBOUND, .received = 5);
	assert_int_equal(transit_entries(*state, "me_host_table"), 0);
	TRANSIT_EXPECT(*state, .total = {});
}

/* Everybody else passes without a trace. */
static void nobody_is_watched(void **state)
{
	static const uint8_t protocols[] = {IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP, 47};
	struct transit *transit = *state;

	for (size_t i = 0; i < sizeof(protocols); i++) {
		struct talk talk = talk_begin(transit, protocols[i], NOBODY, BAD, 22);

		talk_datagram(&talk, SENT, 10);
		talk_datagram(&talk, RECEIVED, 10);
		talk_segment(&talk, SENT, S, 0, 0, 0);
		talk_segment(&talk, RECEIVED, A, 0, 0, 10);
		TALK_NONE(&talk);
	}
	/* Also if it is to a mail host from one of its neighbours, as long as that does not open it. */
	TRANSIT_EXPECT(transit, .total = {});
	assert_int_equal(transit_entries(transit, "me_flows"), 0);
	assert_int_equal(transit_entries(transit, "me_host_table"), 0);
	transit_told(transit, ME_RECORD_FINDING);
	assert_int_equal(transit->n_records, 0);
}

/* --- The same MAC address under another address ---------------------------------------------------- */

static void send_from(struct transit *transit, const char *address, uint8_t mac)
{
	struct talk talk =
		talk_begin(transit, IPPROTO_UDP, address, strchr(address, ':') ? GOOD6 : GOOD, NTP);

	talk.mac = mac;
	talk_datagram(&talk, SENT, 1);
}

static void same_mac_other_address(void **state)
{
	struct transit *transit = *state;
	struct me_addr address;

	send_from(transit, NOBODY, 0x30); /* nobody has that MAC address yet */
	send_from(transit, HOST, 0x30);
	assert_int_equal(transit_found(transit, ME_FINDING_SAME_MAC_OTHER_ADDRESS), 0);
	for (int i = 0; i < 3; i++)
		send_from(transit, NOBODY, 0x30);
	assert_int_equal(transit_found(transit, ME_FINDING_SAME_MAC_OTHER_ADDRESS), 1);
	assert_int_equal(me_inet_parse(NOBODY, address.byte), 0);
	assert_memory_equal(&transit->records[0].key.opener.address, &address, sizeof(address));
	for (int i = 0; i < 3; i++)
		send_from(transit, "2001:db8::99", 0x30);
	assert_int_equal(transit_found(transit, ME_FINDING_SAME_MAC_OTHER_ADDRESS), 2);
	send_from(transit, "fe80::1", 0x30); /* each has one */
	send_from(transit, "0.0.0.0", 0x30); /* DHCP */
	send_from(transit, NOBODY, 0x31);
	send_from(transit, HOST6, 0x30); /* the same mail host */
	assert_int_equal(transit_found(transit, ME_FINDING_SAME_MAC_OTHER_ADDRESS), 2);
	assert_int_equal(transit->n_records, 2);
	TRANSIT_EXPECT(transit, FINAL(ME_ALLOWED) = 2);
}

/* --- Room ----------------------------------------------------------------------------------------- */

static void more_mail_hosts_than_are_counted_one_by_one(void **state)
{
	struct transit *transit = *state;
	char address[ME_INET_LEN];
	uint64_t attempts = 0;

	transit_policy(transit, POLICY("[10.0.0.0/8]"));
	for (uint32_t i = 0; i < ME_HOSTS_MAX + 10; i++) {
		struct talk talk = {.transit = transit,
				    .host = address,
				    .peer = GOOD,
				    .port = NTP,
				    .sport = 9,
				    .proto = IPPROTO_UDP};

		snprintf(address, sizeof(address), "10.1.%u.%u", i / 250, i % 250);
		talk_datagram(&talk, SENT, 1);
		talk_forget(&talk);
	}
	TRANSIT_EXPECT(transit, FINAL(ME_ALLOWED) = ME_HOSTS_MAX + 10, TOTAL(HOSTS_FULL) = 10);
	assert_int_equal(me_kernel_hosts_each(transit->kernel, sum, &attempts), 0);
	assert_int_equal(attempts, ME_HOSTS_MAX);
	transit_policy(transit, policy);
}

/* --- Reload --------------------------------------------------------------------------------------- */

static void other_mail_hosts_after_a_reload(void **state)
{
	struct transit *transit = *state;
	struct talk old = talk_begin(transit, IPPROTO_UDP, HOST, GOOD, NTP),
		    after = talk_begin(transit, IPPROTO_UDP, HOST, GOOD, NTP);

	talk_datagram(&old, SENT, 5);
	transit_policy(transit, POLICY("[" NET "0/28, {mac: \"02:00:00:00:00:78\"}]"));
	talk_datagram(&after, SENT, 5);
	TALK_NONE(&after);
	/* What is known is followed to its end. */
	talk_datagram(&old, RECEIVED, 6);
	TALK_EXPECT(&old, ALLOWED, .outcome = ME_OUTCOME_ANSWERED, .sent = 5, .received = 6);
	exchange(transit, NET "7", GOOD, 0x21);
	exchange(transit, "10.0.0.1", GOOD, 0x78);
	assert_host(transit, NET "7", 1, 1, 0, 0x21);
	assert_host(transit, "10.0.0.1", 2, 1, 0, 0x78);
	send_from(transit, NET "200", 0x40);
	send_from(transit, "10.0.0.2", MAC);
	TRANSIT_EXPECT(transit, FINAL(ME_ALLOWED) = 3);
	transit_policy(transit, policy);
	exchange(transit, NET "7", GOOD, 0x21);
	assert_host(transit, NET "7", 3, 2, 0, 0x21);
}

/* --- The frame ------------------------------------------------------------------------------------ */

static int begin(void **state)
{
	*state = transit_begin("transit-hosts", policy, 512);
	return 0;
}

static int end(void **state)
{
	transit_end((struct transit **)state);
	return 0;
}

static int mark(void **state)
{
	transit_mark(*state);
	return 0;
}

#define TEST(name) cmocka_unit_test_setup(name, mark)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_by_what_it_is_known),
		TEST(all_of_them_can_be_listed),
		TEST(inbound),
		TEST(nobody_is_watched),
		TEST(same_mac_other_address),
		TEST(more_mail_hosts_than_are_counted_one_by_one),
		TEST(other_mail_hosts_after_a_reload),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
