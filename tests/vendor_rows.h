/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_TESTS_VENDOR_ROWS_H
#define MEWATCH_TESTS_VENDOR_ROWS_H

/*
 * Each row of the vendor's documents, by each profile, at both vantages: what the verdict is. For a
 * site with `resolvers: 192.0.2.53` and `peers: 192.0.2.11`, on a machine that has 192.0.2.10. The tests of
 * the policy ask the judge, the lab sends real clients to real servers. Data connections of FTP have no
 * entry of their own: they are judged by what the server announces.
 */

enum {
	P14 = 1,
	SR1 = 2,
	R2 = 4,
	P2015 = 8,
	P21 = 16,
	ALL = 32, /* the default: the union of the lists */
	EACH = 63,
};

static const struct {
	const char *name;
	unsigned int bit;
} profiles[] = {
	{"mailessentials-14", P14},     {"mailessentials-14-sr1", SR1},
	{"mailessentials-2014-r2", R2}, {"mailessentials-2015", P2015},
	{"mailessentials-21", P21},     {"mailessentials", ALL},
};

/* Vantages. OWN: to an address of the machine itself, which only the host knows to be one. */
enum { HOST = 1, WIRE = 2, OWN = 4, BOTH = HOST | WIRE };

struct row {
	const char *document; /* what it says */
	const char *to;       /* a name that an answer gave, or an address */
	const char *ports;    /* each of them, separated by spaces */
	unsigned int where;
	/* "SERVICE WHAT": `allowed`, `retired` (and allowed), `local`, a reason; `?` before the reason
	 * of what is pending for now. */
	struct {
		unsigned int profiles;
		const char *what;
	} is[3];
};

/* An address of the machine itself. */
#define OWN_ADDRESS "192.0.2.10"

#define NOT(profiles) (EACH & ~(profiles))
#define SINCE_2015 (P2015 | P21 | ALL)
#define TO_2015 (P14 | SR1 | R2 | P2015)
#define LDAP (P21 | ALL)

#define WEB "80/tcp 443/tcp"
#define ALLOWED "updates allowed"
#define STRANGER "updates ?unlisted-destination"
#define REMOTING "remoting local"
#define OFF_HOST "remoting remoting-off-host"
#define LOCAL "local local"
#define UNLISTED "unlisted unlisted-destination"

/* clang-format off */
static const struct row rows[] = {
	/* DNS: to the server that the machine is configured with. */
	{"DNS 53", "192.0.2.53", "53/udp 53/tcp", BOTH, {{EACH, "dns allowed"}}},
	{"DNS 53, others", "203.0.113.53", "53/udp 53/tcp", BOTH, {{EACH, "dns wrong-resolver"}}},
	{"DNS 53, a stub", "127.0.0.1", "53/udp", HOST, {{EACH, LOCAL}}},
	{"not DNS 53", "192.0.2.53", "853/tcp", BOTH, {{EACH, "unlisted encrypted-dns"}}},

	/* FTP. */
	{"FTP 20, 21", "ftp.gfisoftware.com", "20/tcp 21/tcp", BOTH, {{EACH, "ftp allowed"}}},
	{"FTP, others", "203.0.113.21", "20/tcp 21/tcp", BOTH, {{EACH, "ftp ?unlisted-destination"}}},

	/* HTTP and HTTPS: the ten names, and an eleventh that later lists have. */
	{"HTTP(S) 1", "meupdate.gfi.com", WEB, BOTH, {{EACH, ALLOWED}}},
	{"HTTP(S) 2", "update.gfi.com", WEB, BOTH,
		{{TO_2015, ALLOWED}, {ALL, "updates retired"}, {P21, STRANGER}}},
	{"HTTP(S) 3", "update.gfisoftware.com", WEB, BOTH,
		{{TO_2015, ALLOWED}, {ALL, "updates retired"}, {P21, STRANGER}}},
	{"HTTP(S) 4", "support.gfi.com", WEB, BOTH, {{EACH, ALLOWED}}},
	{"HTTP(S) 5", "www.mailshell.net", WEB, BOTH, {{EACH, ALLOWED}}},
	{"HTTP(S) 6", "r1.rules.mailshell.net", WEB, BOTH, {{EACH, ALLOWED}}},
	{"HTTP(S) 7", "spamrazer.gfi.com", WEB, BOTH, {{EACH, ALLOWED}}},
	{"HTTP(S) 8, note 2", "db11.spamcatcher.net", WEB, BOTH,
		{{P14, ALLOWED}, {NOT(P14), "updates retired"}}},
	{"HTTP(S) 9", "cdnupdate.gfi.com", WEB, BOTH, {{EACH, ALLOWED}}},
	{"HTTP(S) 10", "cdnpatches.gfi.com", WEB, BOTH, {{EACH, ALLOWED}}},
	{"article 111252", "gfi-downloader-137146314.us-east-1.elb.amazonaws.com", WEB, BOTH,
		{{P21 | ALL, ALLOWED}, {NOT(P21 | ALL), STRANGER}}},
	{"note 2, since SR1", "sn92.mailshell.net", WEB, BOTH, {{EACH, ALLOWED}}},
	/* `*` is one label, and not the name itself; a name is itself alone. */
	{"*.mailshell.net", "a.b.mailshell.net", WEB, BOTH, {{EACH, STRANGER}}},
	{"*.mailshell.net", "mailshell.net", WEB, BOTH, {{EACH, STRANGER}}},
	{"*.mailshell.net", "rules.mailshell.net", WEB, BOTH, {{EACH, ALLOWED}}},
	{"*.rules.mailshell.net", "a.b.rules.mailshell.net", WEB, BOTH, {{EACH, STRANGER}}},
	{"meupdate.gfi.com", "a.meupdate.gfi.com", WEB, BOTH, {{EACH, STRANGER}}},
	{"no name at all", "203.0.113.80", WEB, BOTH, {{EACH, STRANGER}}},
	{"another port", "meupdate.gfi.com", "8080/tcp", BOTH, {{EACH, "unlisted unlisted-port"}}},
	{"QUIC", "meupdate.gfi.com", "443/udp", BOTH, {{EACH, "unlisted quic"}}},
	{"DNS over HTTPS", "1.1.1.1", "443/tcp", BOTH, {{EACH, "updates ?encrypted-dns"}}},

	/* Remoting: inside the machine; to another one it is a violation. */
	{"remoting 8013, 8021", "127.0.0.1", "8013/tcp 8021/tcp", HOST,
		{{P14 | SR1 | ALL, REMOTING}, {R2 | P2015 | P21, LOCAL}}},
	{"remoting 8013, 8021", OWN_ADDRESS, "8013/tcp 8021/tcp", OWN,
		{{P14 | SR1 | ALL, REMOTING}, {R2 | P2015 | P21, LOCAL}}},
	{"remoting 8013, 8021", "192.0.2.99", "8013/tcp 8021/tcp", BOTH,
		{{P14 | SR1 | ALL, OFF_HOST}, {R2 | P2015 | P21, UNLISTED}}},
	{"remoting 8015", "::1", "8015/tcp", HOST, {{EACH, REMOTING}}},
	{"remoting 8015", OWN_ADDRESS, "8015/tcp", OWN, {{EACH, REMOTING}}},
	{"remoting 8015", "192.0.2.99", "8015/tcp", BOTH, {{EACH, OFF_HOST}}},
	{"remoting 8015, a peer", "192.0.2.11", "8015/tcp", BOTH, {{EACH, OFF_HOST}}},
	{"remoting 9090", "127.0.0.1", "9090/tcp", HOST,
		{{R2 | P21 | ALL, REMOTING}, {P14 | SR1 | P2015, LOCAL}}},
	{"remoting 9090", "192.0.2.99", "9090/tcp", BOTH,
		{{R2 | P21 | ALL, OFF_HOST}, {P14 | SR1 | P2015, UNLISTED}}},
	{"remoting 9091", "127.0.0.1", "9091/tcp", HOST,
		{{NOT(P14 | SR1), REMOTING}, {P14 | SR1, LOCAL}}},
	{"remoting 9091", "192.0.2.99", "9091/tcp", BOTH,
		{{NOT(P14 | SR1), OFF_HOST}, {P14 | SR1, UNLISTED}}},
	{"remoting 9093", "127.0.0.1", "9093/tcp", HOST,
		{{P2015 | ALL, REMOTING}, {NOT(P2015 | ALL), LOCAL}}},
	{"remoting 9093", "2001:db8::99", "9093/tcp", BOTH,
		{{P2015 | ALL, OFF_HOST}, {NOT(P2015 | ALL), UNLISTED}}},
	{"remoting 61000, 21", "127.0.0.1", "61000/tcp", HOST,
		{{P21 | ALL, REMOTING}, {NOT(P21 | ALL), LOCAL}}},
	{"remoting 61000, 21", "192.0.2.99", "61000/tcp", BOTH,
		{{P21 | ALL, OFF_HOST}, {NOT(P21 | ALL), UNLISTED}}},
	/* What looks like the machine itself is not, on the wire. */
	{"remoting 8015, seen outside", OWN_ADDRESS, "8015/tcp", WIRE, {{EACH, OFF_HOST}}},

	/* Multi-server synchronisation: to peers and nobody else. */
	{"9095, 9096", "192.0.2.11", "9095/tcp 9096/tcp", BOTH,
		{{SINCE_2015, "multi-server allowed"}, {NOT(SINCE_2015), UNLISTED}}},
	{"9095, 9096, no peer", "192.0.2.99", "9095/tcp 9096/tcp", BOTH,
		{{SINCE_2015, "multi-server peer-unknown"}, {NOT(SINCE_2015), UNLISTED}}},
	{"9095, 9096, itself", "127.0.0.1", "9095/tcp 9096/tcp", HOST, {{EACH, LOCAL}}},

	/* LDAP: the manual of 21 names the ports. */
	{"LDAP 389, 636", "10.1.2.3", "389/tcp 636/tcp", BOTH,
		{{LDAP, "directory allowed"}, {NOT(LDAP), UNLISTED}}},
	{"LDAP 389, 636", "172.31.255.1", "389/tcp", BOTH,
		{{LDAP, "directory allowed"}, {NOT(LDAP), UNLISTED}}},
	{"LDAP 389, 636", "192.168.1.1", "389/tcp", BOTH,
		{{LDAP, "directory allowed"}, {NOT(LDAP), UNLISTED}}},
	{"LDAP 389, 636", "fd00::1", "636/tcp", BOTH,
		{{LDAP, "directory allowed"}, {NOT(LDAP), UNLISTED}}},
	{"LDAP, outside", "203.0.113.9", "389/tcp 636/tcp", BOTH,
		{{LDAP, "directory unlisted-destination"}, {NOT(LDAP), UNLISTED}}},
	{"LDAP over UDP", "10.1.2.3", "389/udp", BOTH,
		{{LDAP, "unlisted unlisted-port"}, {NOT(LDAP), UNLISTED}}},

	/* What no document lists. */
	{"mail", "203.0.113.25", "25/tcp 587/tcp", BOTH, {{EACH, UNLISTED}}},
	{"time", "203.0.113.123", "123/udp", BOTH, {{EACH, UNLISTED}}},
};
/* clang-format on */

#endif
