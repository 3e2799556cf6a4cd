BEGIN TRANSACTION;
CREATE TABLE allocation (
	pool TEXT NOT NULL,
	owner TEXT NOT NULL,
	value TEXT NOT NULL,
	size INTEGER NOT NULL,
	freed_revision INTEGER,
	PRIMARY KEY (pool, owner)
) STRICT;
INSERT INTO "allocation" VALUES('network-number','networks/8','1',1,NULL);
INSERT INTO "allocation" VALUES('prefix4','networks/8','10.64.0.0/16',1,NULL);
INSERT INTO "allocation" VALUES('networks/8/index','nodes/4','1',1,NULL);
INSERT INTO "allocation" VALUES('networks/8/index','nodes/5','2',1,NULL);
INSERT INTO "allocation" VALUES('networks/8/index','nodes/6','3',1,NULL);
INSERT INTO "allocation" VALUES('segment-number','segments/10','1',1,NULL);
INSERT INTO "allocation" VALUES('prefix4','segments/10','10.128.0.0/22',1,NULL);
INSERT INTO "allocation" VALUES('segments/10/index','nodes/4','1',1,NULL);
INSERT INTO "allocation" VALUES('segments/10/index','nodes/5','2',1,NULL);
INSERT INTO "allocation" VALUES('segments/10/index','nodes/6','3',1,NULL);
INSERT INTO "allocation" VALUES('network-number','networks/9','2',1,NULL);
INSERT INTO "allocation" VALUES('prefix4','networks/9','10.65.0.0/16',1,NULL);
INSERT INTO "allocation" VALUES('networks/9/index','nodes/6','1',1,NULL);
INSERT INTO "allocation" VALUES('networks/9/index','nodes/7','2',1,NULL);
INSERT INTO "allocation" VALUES('networks/9/index','nodes/4','3',1,NULL);
INSERT INTO "allocation" VALUES('segment-number','segments/11','2',1,NULL);
INSERT INTO "allocation" VALUES('prefix4','segments/11','10.128.4.0/22',1,NULL);
INSERT INTO "allocation" VALUES('segments/11/index','nodes/6','1',1,NULL);
INSERT INTO "allocation" VALUES('segments/11/index','nodes/7','2',1,NULL);
INSERT INTO "allocation" VALUES('segments/11/index','nodes/4','3',1,NULL);
CREATE TABLE certificate (
	serial TEXT PRIMARY KEY,
	node_id INTEGER NOT NULL,
	not_after INTEGER NOT NULL,
	revoked_ms INTEGER NOT NULL,
	fingerprint TEXT NOT NULL
) STRICT;
INSERT INTO "certificate" VALUES('51bc6df7591be951469a617f2ef2f0d4',4,1803068180,0,'645d16136d4598ec44f5f926c178da3a2645a3539f52a4fa18a55810f4198e55');
INSERT INTO "certificate" VALUES('63eca1ead59ebd983fca3713ef8ef429',5,1803068180,0,'fd256fc58692d519d881020cd8bcb310e74546e57333d7ac6c6b05b8418f01f7');
CREATE TABLE change (
	revision INTEGER NOT NULL,
	seq INTEGER NOT NULL,
	at_ms INTEGER NOT NULL,
	actor TEXT NOT NULL,
	kind TEXT NOT NULL,
	name TEXT NOT NULL,
	action TEXT NOT NULL,
	before TEXT,
	after TEXT, resource_id INTEGER, former_name TEXT, former_set TEXT,
	PRIMARY KEY (revision, seq)
) STRICT;
INSERT INTO "change" VALUES(1,0,1795292179068,'controller','users','admin','create',NULL,'{"role":"admin"}',1,NULL,NULL);
INSERT INTO "change" VALUES(2,0,1795292180009,'user/admin','sites','paris','create',NULL,'{"lan":["10.1.0.0/16","fd00:1::/48"],"tags":["eu"]}',2,NULL,NULL);
INSERT INTO "change" VALUES(2,1,1795292180009,'user/admin','sites','ottawa','create',NULL,'{"lan":["10.2.0.0/16"]}',3,NULL,NULL);
INSERT INTO "change" VALUES(2,2,1795292180009,'user/admin','nodes','ada','create',NULL,'{"address":"192.0.2.1","site":"paris"}',4,NULL,NULL);
INSERT INTO "change" VALUES(2,3,1795292180009,'user/admin','nodes','ben','create',NULL,'{"address":"192.0.2.2","site":"ottawa"}',5,NULL,NULL);
INSERT INTO "change" VALUES(2,4,1795292180009,'user/admin','nodes','cyd','create',NULL,'{}',6,NULL,NULL);
INSERT INTO "change" VALUES(2,5,1795292180009,'user/admin','nodes','dan','create',NULL,'{"address":"192.0.2.4"}',7,NULL,NULL);
INSERT INTO "change" VALUES(2,6,1795292180009,'user/admin','networks','home','create',NULL,'{"mesh":["ada","ben","cyd"]}',8,NULL,NULL);
INSERT INTO "change" VALUES(2,7,1795292180009,'user/admin','networks','side','create',NULL,'{"links":[["ada","dan"]],"mesh":["cyd","dan"]}',9,NULL,NULL);
INSERT INTO "change" VALUES(2,8,1795292180009,'user/admin','segments','lan','create',NULL,'{"mode":"bridge","mtu":1500,"network":"home"}',10,NULL,NULL);
INSERT INTO "change" VALUES(2,9,1795292180009,'user/admin','segments','more','create',NULL,'{"mode":"bridge","network":"side"}',11,NULL,NULL);
INSERT INTO "change" VALUES(3,0,1795292180046,'user/admin','enrolment-keys','agent-ada','create',NULL,'{"node":"ada"}',12,NULL,NULL);
INSERT INTO "change" VALUES(4,0,1795292180244,'user/admin','enrolment-keys','agent-ben','create',NULL,'{"node":"ben"}',13,NULL,NULL);
INSERT INTO "change" VALUES(5,0,1795292180259,'node/ada','nodes','ada','update','{}','{"facts":{"local_addresses":["192.0.2.77"],"public_key":"/e5DDUC9V97qwYbNl5ADPQ8G+QmogG585ucXq3x9UCk=","seen_address":"127.0.0.1"}}',4,'ada','fleet');
INSERT INTO "change" VALUES(6,0,1795292180419,'user/admin','secrets','login','create',NULL,'{}',14,NULL,NULL);
INSERT INTO "change" VALUES(7,0,1795292180431,'user/admin','tokens','reader','create',NULL,'{"owner":"admin","role":"viewer"}',15,NULL,NULL);
INSERT INTO "change" VALUES(8,0,1795292180458,'user/admin','enrolment-keys','many','create',NULL,'{}',16,NULL,NULL);
INSERT INTO "change" VALUES(9,0,1795292180468,'user/admin','nodes','dora','rename','{"address":"192.0.2.4"}','{"address":"192.0.2.4"}',7,'dan','fleet');
INSERT INTO "change" VALUES(9,1,1795292180468,'user/admin','networks','side','update','{"links":[["ada","dan"]],"mesh":["cyd","dan"]}','{"links":[["ada","dora"]],"mesh":["cyd","dora"]}',9,'side','fleet');
INSERT INTO "change" VALUES(10,0,1795292180476,'node/ben','nodes','ben','update','{}','{"facts":{"local_addresses":["192.0.2.77"],"public_key":"ZwCGnI/3SA40pwpwiwKHANuqOgM7VlK5A6/on0mjFFY=","seen_address":"127.0.0.1"}}',5,'ben','fleet');
INSERT INTO "change" VALUES(11,0,1795292180492,'user/admin','nodes','eve','create',NULL,'{}',17,NULL,NULL);
INSERT INTO "change" VALUES(12,0,1795292180515,'user/admin','nodes','eve','delete','{}',NULL,17,'eve',NULL);
CREATE TABLE confirmation (
	revision INTEGER PRIMARY KEY,
	actor TEXT NOT NULL,
	at_ms INTEGER NOT NULL,
	due_ms INTEGER NOT NULL
) STRICT;
CREATE TABLE credential (
	resource_id INTEGER PRIMARY KEY REFERENCES resource (id) ON DELETE CASCADE,
	hash TEXT NOT NULL,
	uses_left INTEGER NOT NULL,
	expires_ms INTEGER NOT NULL,
	updated_ms INTEGER NOT NULL
) STRICT;
INSERT INTO "credential" VALUES(1,'scrypt$15$8$3$rqWV2yLp7nUdHVC0M9HEzg$jeUZroRjmLQ2LUWflbegUzEbmZJ10oOzK7ToNl_BFhc',-1,0,1795292179068);
INSERT INTO "credential" VALUES(12,'bedd13d8cd1bfbba28cedb77c224d87434e560519f5305e43156a7e1a7cb4295',0,1795378580046,1795292180054);
INSERT INTO "credential" VALUES(13,'591454e85ae1b39bc9132b58a62588be99c0e6df289ba66576683d409ee1c131',0,1795378580244,1795292180265);
INSERT INTO "credential" VALUES(15,'8b58b8d5fa8ed297b59ada279c2759019ffac8a94dbe763a6dabd2ab8ef498fb',-1,1826828180431,1795292180431);
INSERT INTO "credential" VALUES(16,'9ae524b9c6588a2122d62aae66780589c45e2bd8595f570e3313ff62b0c251cd',1,1795378580458,1795292180458);
CREATE TABLE enrolled (
	key_id INTEGER NOT NULL REFERENCES resource (id) ON DELETE CASCADE,
	csr_key TEXT NOT NULL,
	node_id INTEGER NOT NULL REFERENCES resource (id) ON DELETE CASCADE,
	at_ms INTEGER NOT NULL,
	PRIMARY KEY (key_id, csr_key)
) STRICT;
INSERT INTO "enrolled" VALUES(12,'4e6a88a29e2064fc06df9401b232db2c1c9fda50ee980b4f5846f7600ec75f25',4,1795292180054);
INSERT INTO "enrolled" VALUES(13,'d9aa4be8c610b36176c8233fc8b6e3e064ab91b2c47357e3517147e2a1f32a97',5,1795292180265);
CREATE TABLE event (
	id INTEGER PRIMARY KEY,
	at_ms INTEGER NOT NULL,
	node TEXT,
	severity TEXT NOT NULL,
	kind TEXT NOT NULL,
	entry TEXT,
	text TEXT NOT NULL
) STRICT;
INSERT INTO "event" VALUES(1,1795292180203,'ada','warning','drift_repaired','bridge/lan','it was put back');
INSERT INTO "event" VALUES(2,1795292180416,'ben','warning','drift_repaired','bridge/lan','it was put back');
CREATE TABLE fact (
	node_id INTEGER NOT NULL REFERENCES resource (id) ON DELETE CASCADE,
	name TEXT NOT NULL,
	value TEXT NOT NULL,
	updated_ms INTEGER NOT NULL,
	PRIMARY KEY (node_id, name)
) STRICT;
INSERT INTO "fact" VALUES(4,'public_key','"/e5DDUC9V97qwYbNl5ADPQ8G+QmogG585ucXq3x9UCk="',1795292180259);
INSERT INTO "fact" VALUES(4,'seen_address','"127.0.0.1"',1795292180259);
INSERT INTO "fact" VALUES(4,'local_addresses','["192.0.2.77"]',1795292180259);
INSERT INTO "fact" VALUES(5,'public_key','"ZwCGnI/3SA40pwpwiwKHANuqOgM7VlK5A6/on0mjFFY="',1795292180476);
INSERT INTO "fact" VALUES(5,'seen_address','"127.0.0.1"',1795292180476);
INSERT INTO "fact" VALUES(5,'local_addresses','["192.0.2.77"]',1795292180476);
CREATE TABLE lease (
	group_id INTEGER PRIMARY KEY REFERENCES resource (id) ON DELETE CASCADE,
	epoch INTEGER NOT NULL,
	holder INTEGER NOT NULL,
	longest_us INTEGER NOT NULL
) STRICT;
CREATE TABLE meta (
	key TEXT PRIMARY KEY,
	value TEXT NOT NULL
) STRICT;
INSERT INTO "meta" VALUES('revision','12');
INSERT INTO "meta" VALUES('last_id','17');
INSERT INTO "meta" VALUES('auth_revision','5');
INSERT INTO "meta" VALUES('controller_id','85686edd583d4149');
INSERT INTO "meta" VALUES('ula','fddeab05e3cd');
INSERT INTO "meta" VALUES('plan_generation','0.1.0/2/4789/51820/862/863/58b38ccb');
CREATE TABLE operation (
	id TEXT PRIMARY KEY,
	at_ms INTEGER NOT NULL
) STRICT;
INSERT INTO "operation" VALUES('0c0e1f308f87ea5df32d447a142a88ee',1795292178245);
INSERT INTO "operation" VALUES('f16969e35472087b5f6d4db560f6c5bd',1795292179068);
INSERT INTO "operation" VALUES('4b21b9ee22e3f62e8c30aecbc4427416',1795292179069);
INSERT INTO "operation" VALUES('1bee7b2d2508a4cd79fec20d74099358',1795292179993);
INSERT INTO "operation" VALUES('50ddbb0a1587d9a6c494e38839639d3e',1795292180011);
INSERT INTO "operation" VALUES('410ce24626a597e4305de2709d58674b',1795292180046);
INSERT INTO "operation" VALUES('40a9d51446d0f42a59e3ec38b6b223b1',1795292180055);
INSERT INTO "operation" VALUES('d3b2a9283bdef6a5e934d69759c4445c',1795292180055);
INSERT INTO "operation" VALUES('59dcaf85642801c7fcd735dab7c29982',1795292180203);
INSERT INTO "operation" VALUES('afb3965b79c221a9d1405683f88a5709',1795292180244);
INSERT INTO "operation" VALUES('e8c1fc330189930b278bb68659baf5c5',1795292180259);
INSERT INTO "operation" VALUES('2074ee9d656aabbfb4f6cf5ca28269ab',1795292180267);
INSERT INTO "operation" VALUES('a83ef820d7bc4b5c48aa0a5132184795',1795292180270);
INSERT INTO "operation" VALUES('b73d6e7b77863f212f714e37a51ade94',1795292180416);
INSERT INTO "operation" VALUES('1d3906dad9a7a1c1e1ef5f6c6f813abb',1795292180419);
INSERT INTO "operation" VALUES('6898f8d9db0c864df4e28bf7def64e12',1795292180423);
INSERT INTO "operation" VALUES('f8a4aa4b0e0ca9064d0a790e6e0e40a8',1795292180431);
INSERT INTO "operation" VALUES('cfc48304e6eaca1a52ca86e5c33af369',1795292180459);
INSERT INTO "operation" VALUES('958344a3928566be675b9608342739c5',1795292180473);
INSERT INTO "operation" VALUES('e817ec7a3c64bdde5f556109c7535cf7',1795292180476);
INSERT INTO "operation" VALUES('39a8e2862f0673a0ca616522ecfa7725',1795292180492);
INSERT INTO "operation" VALUES('a534abdd87c33b46c10e9b3e3c6a7ec5',1795292180515);
CREATE TABLE pending (
	name TEXT PRIMARY KEY,
	key_id INTEGER NOT NULL REFERENCES resource (id) ON DELETE CASCADE,
	csr TEXT NOT NULL,
	public_key TEXT NOT NULL,
	source TEXT NOT NULL,
	created_ms INTEGER NOT NULL,
	approved_ms INTEGER NOT NULL
) STRICT;
CREATE TABLE resource (
	id INTEGER PRIMARY KEY,
	kind TEXT NOT NULL,
	name TEXT NOT NULL,
	spec TEXT NOT NULL,
	set_name TEXT,
	revision INTEGER NOT NULL,
	created_ms INTEGER NOT NULL,
	updated_ms INTEGER NOT NULL,
	UNIQUE (kind, name)
) STRICT;
INSERT INTO "resource" VALUES(1,'users','admin','{"role":"admin"}',NULL,1,1795292179068,1795292179068);
INSERT INTO "resource" VALUES(2,'sites','paris','{"lan":["10.1.0.0/16","fd00:1::/48"],"tags":["eu"]}','fleet',2,1795292180009,1795292180009);
INSERT INTO "resource" VALUES(3,'sites','ottawa','{"lan":["10.2.0.0/16"]}','fleet',2,1795292180009,1795292180009);
INSERT INTO "resource" VALUES(4,'nodes','ada','{"address":"192.0.2.1","site":"paris"}','fleet',2,1795292180009,1795292180009);
INSERT INTO "resource" VALUES(5,'nodes','ben','{"address":"192.0.2.2","site":"ottawa"}','fleet',2,1795292180009,1795292180009);
INSERT INTO "resource" VALUES(6,'nodes','cyd','{}','fleet',2,1795292180009,1795292180009);
INSERT INTO "resource" VALUES(7,'nodes','dora','{"address":"192.0.2.4"}','fleet',9,1795292180009,1795292180468);
INSERT INTO "resource" VALUES(8,'networks','home','{"mesh":["ada","ben","cyd"]}','fleet',2,1795292180009,1795292180009);
INSERT INTO "resource" VALUES(9,'networks','side','{"links":[["ada","dora"]],"mesh":["cyd","dora"]}','fleet',9,1795292180009,1795292180468);
INSERT INTO "resource" VALUES(10,'segments','lan','{"mode":"bridge","mtu":1500,"network":"home"}','fleet',2,1795292180009,1795292180009);
INSERT INTO "resource" VALUES(11,'segments','more','{"mode":"bridge","network":"side"}','fleet',2,1795292180009,1795292180009);
INSERT INTO "resource" VALUES(12,'enrolment-keys','agent-ada','{"node":"ada"}',NULL,3,1795292180046,1795292180046);
INSERT INTO "resource" VALUES(13,'enrolment-keys','agent-ben','{"node":"ben"}',NULL,4,1795292180244,1795292180244);
INSERT INTO "resource" VALUES(14,'secrets','login','{}',NULL,6,1795292180419,1795292180419);
INSERT INTO "resource" VALUES(15,'tokens','reader','{"owner":"admin","role":"viewer"}',NULL,7,1795292180431,1795292180431);
INSERT INTO "resource" VALUES(16,'enrolment-keys','many','{}',NULL,8,1795292180458,1795292180458);
CREATE TABLE secret_value (
	resource_id INTEGER PRIMARY KEY REFERENCES resource (id) ON DELETE CASCADE,
	sealed BLOB NOT NULL,
	updated_ms INTEGER NOT NULL
) STRICT;
INSERT INTO "secret_value" VALUES(14,X'012EED6ABA46F600D483B2F6616BB1C558BF4D2139500BAF9EBF166FA771F1753C1792',1795292180423);
CREATE TABLE session (
	hash TEXT PRIMARY KEY,
	user_id INTEGER NOT NULL REFERENCES resource (id) ON DELETE CASCADE,
	role TEXT NOT NULL,
	csrf TEXT NOT NULL,
	created_ms INTEGER NOT NULL,
	used_ms INTEGER NOT NULL,
	expires_ms INTEGER NOT NULL
) STRICT;
CREATE TABLE target (
	node_id INTEGER PRIMARY KEY REFERENCES resource (id) ON DELETE CASCADE,
	revision INTEGER NOT NULL,
	digest TEXT NOT NULL
) STRICT;
INSERT INTO "target" VALUES(4,10,'c2c62d55a326d75f2729b48a40bbbec5');
INSERT INTO "target" VALUES(5,5,'269cf7e66530b902bfa70c7780da3a29');
INSERT INTO "target" VALUES(6,10,'65188bacaf1602ccf893fc77b4c02973');
INSERT INTO "target" VALUES(7,5,'45eaddce0fffc65e65c2ab3c7b4a190f');
CREATE TABLE webhook_progress (
	resource_id INTEGER PRIMARY KEY REFERENCES resource (id) ON DELETE CASCADE,
	event_id INTEGER NOT NULL,
	delivered_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX operation_at ON operation (at_ms);
CREATE INDEX resource_set ON resource (set_name);
CREATE INDEX change_of ON change (kind, name, revision);
CREATE INDEX certificate_node ON certificate (node_id);
CREATE INDEX session_user ON session (user_id);
CREATE INDEX event_at ON event (at_ms);
CREATE INDEX event_node ON event (node, id);
CREATE INDEX enrolled_node ON enrolled (node_id);
COMMIT;
PRAGMA user_version = 5;
