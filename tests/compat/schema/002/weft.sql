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
INSERT INTO "certificate" VALUES('56d80dd24e8a1fab620c11a31b6fa0ae',4,1803056456,0,'cb8e317a000984cedb20ba8c32a7a4a6dcc1f0f60479b12a15209026c381578f');
INSERT INTO "certificate" VALUES('490e772516f2a5834b93beb2153383fb',5,1803056457,0,'b1d12d044f4c7edad2f9cfe622441acc5a86d0838ab06fc657a05eb53619a8ea');
CREATE TABLE change (
	revision INTEGER NOT NULL,
	seq INTEGER NOT NULL,
	at_ms INTEGER NOT NULL,
	actor TEXT NOT NULL,
	kind TEXT NOT NULL,
	name TEXT NOT NULL,
	action TEXT NOT NULL,
	before TEXT,
	after TEXT,
	PRIMARY KEY (revision, seq)
) STRICT;
INSERT INTO "change" VALUES(1,0,1795280455316,'controller','users','admin','create',NULL,'{"role":"admin"}');
INSERT INTO "change" VALUES(2,0,1795280456659,'user/admin','sites','paris','create',NULL,'{"lan":["10.1.0.0/16","fd00:1::/48"],"tags":["eu"]}');
INSERT INTO "change" VALUES(2,1,1795280456659,'user/admin','sites','ottawa','create',NULL,'{"lan":["10.2.0.0/16"]}');
INSERT INTO "change" VALUES(2,2,1795280456659,'user/admin','nodes','ada','create',NULL,'{"address":"192.0.2.1","site":"paris"}');
INSERT INTO "change" VALUES(2,3,1795280456659,'user/admin','nodes','ben','create',NULL,'{"address":"192.0.2.2","site":"ottawa"}');
INSERT INTO "change" VALUES(2,4,1795280456659,'user/admin','nodes','cyd','create',NULL,'{}');
INSERT INTO "change" VALUES(2,5,1795280456659,'user/admin','nodes','dan','create',NULL,'{"address":"192.0.2.4"}');
INSERT INTO "change" VALUES(2,6,1795280456659,'user/admin','networks','home','create',NULL,'{"mesh":["ada","ben","cyd"]}');
INSERT INTO "change" VALUES(2,7,1795280456659,'user/admin','networks','side','create',NULL,'{"links":[["ada","dan"]],"mesh":["cyd","dan"]}');
INSERT INTO "change" VALUES(2,8,1795280456659,'user/admin','segments','lan','create',NULL,'{"mode":"bridge","mtu":1500,"network":"home"}');
INSERT INTO "change" VALUES(2,9,1795280456659,'user/admin','segments','more','create',NULL,'{"mode":"bridge","network":"side"}');
INSERT INTO "change" VALUES(3,0,1795280456786,'user/admin','enrolment-keys','agent-ada','create',NULL,'{"node":"ada"}');
INSERT INTO "change" VALUES(4,0,1795280457101,'node/ada','nodes','ada','update','{}','{"facts":{"local_addresses":["192.0.2.77"],"public_key":"/e5DDUC9V97qwYbNl5ADPQ8G+QmogG585ucXq3x9UCk=","seen_address":"127.0.0.1"}}');
INSERT INTO "change" VALUES(5,0,1795280457181,'user/admin','enrolment-keys','agent-ben','create',NULL,'{"node":"ben"}');
INSERT INTO "change" VALUES(6,0,1795280457493,'node/ben','nodes','ben','update','{}','{"facts":{"local_addresses":["192.0.2.77"],"public_key":"ZwCGnI/3SA40pwpwiwKHANuqOgM7VlK5A6/on0mjFFY=","seen_address":"127.0.0.1"}}');
INSERT INTO "change" VALUES(7,0,1795280457522,'user/admin','secrets','login','create',NULL,'{}');
INSERT INTO "change" VALUES(8,0,1795280457730,'user/admin','tokens','reader','create',NULL,'{"owner":"admin","role":"viewer"}');
INSERT INTO "change" VALUES(9,0,1795280457835,'user/admin','enrolment-keys','many','create',NULL,'{}');
INSERT INTO "change" VALUES(10,0,1795280457928,'user/admin','nodes','dora','rename','{"address":"192.0.2.4"}','{"address":"192.0.2.4"}');
INSERT INTO "change" VALUES(10,1,1795280457928,'user/admin','networks','side','update','{"links":[["ada","dan"]],"mesh":["cyd","dan"]}','{"links":[["ada","dora"]],"mesh":["cyd","dora"]}');
INSERT INTO "change" VALUES(11,0,1795280458022,'user/admin','nodes','eve','create',NULL,'{}');
INSERT INTO "change" VALUES(12,0,1795280458110,'user/admin','nodes','eve','delete','{}',NULL);
CREATE TABLE credential (
	resource_id INTEGER PRIMARY KEY REFERENCES resource (id) ON DELETE CASCADE,
	hash TEXT NOT NULL,
	uses_left INTEGER NOT NULL,
	expires_ms INTEGER NOT NULL,
	updated_ms INTEGER NOT NULL
) STRICT;
INSERT INTO "credential" VALUES(1,'scrypt$15$8$3$JlwLC2_VcnBOI8ig7HgANg$Nrh5WYp7Elxfvj2nYYbrZ4B0RYkrFmolBQpl4O8notU',-1,0,1795280455316);
INSERT INTO "credential" VALUES(12,'fcb5178c4043422b9fb302ca03474b25bbe68b7e9e33ea01d7553e52d348ef60',0,1795366856786,1795280456882);
INSERT INTO "credential" VALUES(13,'e309b9957f447b250be7ab6b4629dde1934276bd9e697e5f7248a791936a0a21',0,1795366857181,1795280457291);
INSERT INTO "credential" VALUES(15,'5c19f4a61fd410e099d6b317c4b777da37e9051418ad69e42c98a65f6094de60',-1,1826816457730,1795280457730);
INSERT INTO "credential" VALUES(16,'63f437fe52aa9b80674c923bdfbabdd0a4f9fe197afb23df0378eaba50f7450b',1,1795366857835,1795280457835);
CREATE TABLE enrolled (
	key_id INTEGER NOT NULL REFERENCES resource (id) ON DELETE CASCADE,
	csr_key TEXT NOT NULL,
	node_id INTEGER NOT NULL REFERENCES resource (id) ON DELETE CASCADE,
	at_ms INTEGER NOT NULL,
	PRIMARY KEY (key_id, csr_key)
) STRICT;
INSERT INTO "enrolled" VALUES(12,'848072ecad485d455821bb9ee301c944b3338cb7c98e674ba07aada318458f88',4,1795280456882);
INSERT INTO "enrolled" VALUES(13,'df5e0265ee6c89cdefa69e53b7f0b6653e75c6671b44d9ffca53e8129a250cbb',5,1795280457291);
CREATE TABLE event (
	id INTEGER PRIMARY KEY,
	at_ms INTEGER NOT NULL,
	node TEXT,
	severity TEXT NOT NULL,
	kind TEXT NOT NULL,
	entry TEXT,
	text TEXT NOT NULL
) STRICT;
INSERT INTO "event" VALUES(1,1795280457056,'ada','warning','drift_repaired','bridge/lan','it was put back');
INSERT INTO "event" VALUES(2,1795280457450,'ben','warning','drift_repaired','bridge/lan','it was put back');
CREATE TABLE fact (
	node_id INTEGER NOT NULL REFERENCES resource (id) ON DELETE CASCADE,
	name TEXT NOT NULL,
	value TEXT NOT NULL,
	updated_ms INTEGER NOT NULL,
	PRIMARY KEY (node_id, name)
) STRICT;
INSERT INTO "fact" VALUES(4,'public_key','"/e5DDUC9V97qwYbNl5ADPQ8G+QmogG585ucXq3x9UCk="',1795280457101);
INSERT INTO "fact" VALUES(4,'seen_address','"127.0.0.1"',1795280457101);
INSERT INTO "fact" VALUES(4,'local_addresses','["192.0.2.77"]',1795280457101);
INSERT INTO "fact" VALUES(5,'public_key','"ZwCGnI/3SA40pwpwiwKHANuqOgM7VlK5A6/on0mjFFY="',1795280457493);
INSERT INTO "fact" VALUES(5,'seen_address','"127.0.0.1"',1795280457493);
INSERT INTO "fact" VALUES(5,'local_addresses','["192.0.2.77"]',1795280457493);
CREATE TABLE meta (
	key TEXT PRIMARY KEY,
	value TEXT NOT NULL
) STRICT;
INSERT INTO "meta" VALUES('revision','12');
INSERT INTO "meta" VALUES('last_id','17');
INSERT INTO "meta" VALUES('auth_revision','5');
INSERT INTO "meta" VALUES('controller_id','e2960db715d08b2d');
INSERT INTO "meta" VALUES('ula','fd62913507ce');
INSERT INTO "meta" VALUES('plan_generation','0.1.0/1/4789/51820');
CREATE TABLE operation (
	id TEXT PRIMARY KEY,
	at_ms INTEGER NOT NULL
) STRICT;
INSERT INTO "operation" VALUES('f48e8fdd57f0006817b9fd33c61c0abc',1795280454234);
INSERT INTO "operation" VALUES('a89dfee7429796594f9a7c2c923ef07e',1795280455316);
INSERT INTO "operation" VALUES('ad49ea67c9445baf1c71933781701a2e',1795280455322);
INSERT INTO "operation" VALUES('fdf10f8a39a34b4db97ccb405cced9a1',1795280456552);
INSERT INTO "operation" VALUES('45a9e785cd1708b59bde21b203dd00dd',1795280456659);
INSERT INTO "operation" VALUES('54e1f407be14cccb2a30edbcb3d93cf7',1795280456786);
INSERT INTO "operation" VALUES('557d73e587ee1cbce9bb773942a122e7',1795280456883);
INSERT INTO "operation" VALUES('61bc98b4f4546c8412b1f233ab421844',1795280456888);
INSERT INTO "operation" VALUES('c2c9c11dd676db8535868a065b34c44e',1795280457056);
INSERT INTO "operation" VALUES('441bc4078fe26912ee5c327e58dbb512',1795280457101);
INSERT INTO "operation" VALUES('4cd813d5fd958b3388982833df10d243',1795280457182);
INSERT INTO "operation" VALUES('c8497ea52456c3736b3afba57321eeb3',1795280457292);
INSERT INTO "operation" VALUES('c08ad6479a29475093263a066a8dca3b',1795280457292);
INSERT INTO "operation" VALUES('57782e2aa7f1d577034d6a250bca79d4',1795280457450);
INSERT INTO "operation" VALUES('3a6989c968123ce94f493818d605af2f',1795280457493);
INSERT INTO "operation" VALUES('6468dda19867ae0c084474a299d4079d',1795280457526);
INSERT INTO "operation" VALUES('9abd3ce00cca782290f0f72ea6c59ce8',1795280457642);
INSERT INTO "operation" VALUES('ad71f5b51977d9072d8fbbaebacf052b',1795280457734);
INSERT INTO "operation" VALUES('c46e97524e35719be4f24b1b9a788aa2',1795280457835);
INSERT INTO "operation" VALUES('5dd10828ff90a0e9548c9b01026d58e6',1795280457928);
INSERT INTO "operation" VALUES('5d98b04acd35aab4e2dd71b9f3896891',1795280458023);
INSERT INTO "operation" VALUES('b7788908eccc50ebc9252e351d22424a',1795280458114);
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
INSERT INTO "resource" VALUES(1,'users','admin','{"role":"admin"}',NULL,1,1795280455316,1795280455316);
INSERT INTO "resource" VALUES(2,'sites','paris','{"lan":["10.1.0.0/16","fd00:1::/48"],"tags":["eu"]}','fleet',2,1795280456659,1795280456659);
INSERT INTO "resource" VALUES(3,'sites','ottawa','{"lan":["10.2.0.0/16"]}','fleet',2,1795280456659,1795280456659);
INSERT INTO "resource" VALUES(4,'nodes','ada','{"address":"192.0.2.1","site":"paris"}','fleet',2,1795280456659,1795280456659);
INSERT INTO "resource" VALUES(5,'nodes','ben','{"address":"192.0.2.2","site":"ottawa"}','fleet',2,1795280456659,1795280456659);
INSERT INTO "resource" VALUES(6,'nodes','cyd','{}','fleet',2,1795280456659,1795280456659);
INSERT INTO "resource" VALUES(7,'nodes','dora','{"address":"192.0.2.4"}','fleet',10,1795280456659,1795280457928);
INSERT INTO "resource" VALUES(8,'networks','home','{"mesh":["ada","ben","cyd"]}','fleet',2,1795280456659,1795280456659);
INSERT INTO "resource" VALUES(9,'networks','side','{"links":[["ada","dora"]],"mesh":["cyd","dora"]}','fleet',10,1795280456659,1795280457928);
INSERT INTO "resource" VALUES(10,'segments','lan','{"mode":"bridge","mtu":1500,"network":"home"}','fleet',2,1795280456659,1795280456659);
INSERT INTO "resource" VALUES(11,'segments','more','{"mode":"bridge","network":"side"}','fleet',2,1795280456659,1795280456659);
INSERT INTO "resource" VALUES(12,'enrolment-keys','agent-ada','{"node":"ada"}',NULL,3,1795280456786,1795280456786);
INSERT INTO "resource" VALUES(13,'enrolment-keys','agent-ben','{"node":"ben"}',NULL,5,1795280457181,1795280457181);
INSERT INTO "resource" VALUES(14,'secrets','login','{}',NULL,7,1795280457522,1795280457522);
INSERT INTO "resource" VALUES(15,'tokens','reader','{"owner":"admin","role":"viewer"}',NULL,8,1795280457730,1795280457730);
INSERT INTO "resource" VALUES(16,'enrolment-keys','many','{}',NULL,9,1795280457835,1795280457835);
CREATE TABLE secret_value (
	resource_id INTEGER PRIMARY KEY REFERENCES resource (id) ON DELETE CASCADE,
	sealed BLOB NOT NULL,
	updated_ms INTEGER NOT NULL
) STRICT;
INSERT INTO "secret_value" VALUES(14,X'0105F92FC3FCA44BAE6B4E0FB0AE2BDF378B43CC4BB8068CF8A7B0540716A056729221',1795280457638);
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
INSERT INTO "target" VALUES(4,10,'9abe238fef1a3e18f03c35ccb0cbc157');
INSERT INTO "target" VALUES(5,4,'da591113fda294027c39d31196c8d910');
INSERT INTO "target" VALUES(6,10,'093648bcb96175e46ca5cc179e5c9d8e');
INSERT INTO "target" VALUES(7,4,'c64c388d92d654f0a90f9b793d0e1894');
CREATE INDEX operation_at ON operation (at_ms);
CREATE INDEX resource_set ON resource (set_name);
CREATE INDEX change_of ON change (kind, name, revision);
CREATE INDEX certificate_node ON certificate (node_id);
CREATE INDEX session_user ON session (user_id);
CREATE INDEX event_at ON event (at_ms);
CREATE INDEX event_node ON event (node, id);
CREATE INDEX enrolled_node ON enrolled (node_id);
COMMIT;
PRAGMA user_version = 2;
