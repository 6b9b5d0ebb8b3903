/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_TESTS_METOP_DNS_ANSWER_H
#define MEWATCH_TESTS_METOP_DNS_ANSWER_H

/* What /v1/dns says: of an hour past midnight, with `queries` of the first category. */
#include <stdint.h>
#include <stdio.h>

#define DNS_ANSWER_LEN 4096

static inline void dns_answer(char out[DNS_ANSWER_LEN], unsigned int seconds, unsigned int queries,
			      unsigned int matched)
{
	snprintf(out, DNS_ANSWER_LEN,
		 "{\"ts\":\"2027-01-01T01:00:%02uZ\",\"version\":\"9.9\",\"total\":%u,"
		 "\"matched\":%u,\"learned\":7,"
		 "\"categories\":[{\"category\":\"other\",\"queries\":%u,\"responses\":"
		 "{\"noerror\":30,\"formerr\":1,\"servfail\":2,\"nxdomain\":4,\"notimp\":1,"
		 "\"refused\":0,\"other\":1}},"
		 "{\"category\":\"ip-dnsbl\",\"queries\":1500,\"responses\":{\"noerror\":20}}],"
		 "\"refused\":{\"unsolicited\":12,\"rate\":0,\"busy\":1},"
		 "\"zones\":[{\"zone\":\"zen.example\",\"queries\":90,\"answers\":88,\"listed\":3,"
		 "\"refusals\":70},{\"zone\":\"quiet.example\",\"queries\":4,\"answers\":0,"
		 "\"listed\":0,\"refusals\":0},{\"zone\":\"never.example\",\"queries\":0,"
		 "\"answers\":0,\"listed\":0,\"refusals\":0}],"
		 "\"answers\":[{\"name\":\"meupdate.gfi.com\",\"address\":\"192.0.2.10\","
		 "\"target\":\"edge.example\",\"server\":\"192.0.2.53\","
		 "\"since\":\"2027-01-01T00:00:00.000Z\",\"last\":\"2027-01-01T00:59:50.000Z\","
		 "\"until\":\"2027-01-01T01:05:10.000Z\",\"count\":3},"
		 "{\"name\":\"a\\\\027[2j.example\",\"address\":\"192.0.2.11\","
		 "\"server\":\"192.0.2.53\",\"since\":\"2027-01-01T00:00:00.000Z\","
		 "\"last\":\"2027-01-01T00:00:00.000Z\",\"until\":\"2027-01-01T00:30:00.000Z\","
		 "\"count\":1}]}",
		 seconds, matched, matched, queries);
}

#endif
