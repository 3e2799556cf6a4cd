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
INSERT INTO "certificate" VALUES('590806cb05d023e3a982b7d68a5d7827',4,1803057894,0,'e577f98e90716589ba2287bf98ac6de29545df30047182a9b12d426eee6cda88');
INSERT INTO "certificate" VALUES('4f769a4c5a5d5c454a46fa67c4405e21',5,1803057895,0,'eb8785ddd5f37976255c7c17de5c0736ea1c0d4ffea10d0830f6b55a8772d23a');
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
INSERT INTO "change" VALUES(1,0,1795281890710,'controller','users','admin','create',NULL,'{"role":"admin"}',1,NULL,NULL);
INSERT INTO "change" VALUES(2,0,1795281893691,'user/admin','sites','paris','create',NULL,'{"lan":["10.1.0.0/16","fd00:1::/48"],"tags":["eu"]}',2,NULL,NULL);
INSERT INTO "change" VALUES(2,1,1795281893691,'user/admin','sites','ottawa','create',NULL,'{"lan":["10.2.0.0/16"]}',3,NULL,NULL);
INSERT INTO "change" VALUES(2,2,1795281893691,'user/admin','nodes','ada','create',NULL,'{"address":"192.0.2.1","site":"paris"}',4,NULL,NULL);
INSERT INTO "change" VALUES(2,3,1795281893691,'user/admin','nodes','ben','create',NULL,'{"address":"192.0.2.2","site":"ottawa"}',5,NULL,NULL);
INSERT INTO "change" VALUES(2,4,1795281893691,'user/admin','nodes','cyd','create',NULL,'{}',6,NULL,NULL);
INSERT INTO "change" VALUES(2,5,1795281893691,'user/admin','nodes','dan','create',NULL,'{"address":"192.0.2.4"}',7,NULL,NULL);
INSERT INTO "change" VALUES(2,6,1795281893691,'user/admin','networks','home','create',NULL,'{"mesh":["ada","ben","cyd"]}',8,NULL,NULL);
INSERT INTO "change" VALUES(2,7,1795281893691,'user/admin','networks','side','create',NULL,'{"links":[["ada","dan"]],"mesh":["cyd","dan"]}',9,NULL,NULL);
INSERT INTO "change" VALUES(2,8,1795281893691,'user/admin','segments','lan','create',NULL,'{"mode":"bridge","mtu":1500,"network":"home"}',10,NULL,NULL);
INSERT INTO "change" VALUES(2,9,1795281893691,'user/admin','segments','more','create',NULL,'{"mode":"bridge","network":"side"}',11,NULL,NULL);
INSERT INTO "change" VALUES(3,0,1795281894065,'user/admin','enrolment-keys','agent-ada','create',NULL,'{"node":"ada"}',12,NULL,NULL);
INSERT INTO "change" VALUES(4,0,1795281894633,'node/ada','nodes','ada','update','{}','{"facts":{"public_key":"/e5DDUC9V97qwYbNl5ADPQ8G+QmogG585ucXq3x9UCk=","seen_address":"127.0.0.1"}}',4,'ada','fleet');
INSERT INTO "change" VALUES(5,0,1795281895076,'user/admin','enrolment-keys','agent-ben','create',NULL,'{"node":"ben"}',13,NULL,NULL);
INSERT INTO "change" VALUES(6,0,1795281895625,'node/ben','nodes','ben','update','{}','{"facts":{"public_key":"ZwCGnI/3SA40pwpwiwKHANuqOgM7VlK5A6/on0mjFFY=","seen_address":"127.0.0.1"}}',5,'ben','fleet');
INSERT INTO "change" VALUES(7,0,1795281895909,'user/admin','secrets','login','create',NULL,'{}',14,NULL,NULL);
INSERT INTO "change" VALUES(8,0,1795281896535,'user/admin','tokens','reader','create',NULL,'{"owner":"admin","role":"viewer"}',15,NULL,NULL);
INSERT INTO "change" VALUES(9,0,1795281896802,'user/admin','enrolment-keys','many','create',NULL,'{}',16,NULL,NULL);
INSERT INTO "change" VALUES(10,0,1795281897112,'user/admin','nodes','dora','rename','{"address":"192.0.2.4"}','{"address":"192.0.2.4"}',7,'dan','fleet');
INSERT INTO "change" VALUES(10,1,1795281897112,'user/admin','networks','side','update','{"links":[["ada","dan"]],"mesh":["cyd","dan"]}','{"links":[["ada","dora"]],"mesh":["cyd","dora"]}',9,'side','fleet');
INSERT INTO "change" VALUES(11,0,1795281897391,'user/admin','nodes','eve','create',NULL,'{}',17,NULL,NULL);
INSERT INTO "change" VALUES(12,0,1795281897736,'user/admin','nodes','eve','delete','{}',NULL,17,'eve',NULL);
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
INSERT INTO "credential" VALUES(1,'scrypt$15$8$3$zjWqu3-lDMIECJd_JJDmVQ$e1xfQCS-NVBrY7FhS_LlAAanaQ0_cZbOfn07WXGk4RA',-1,0,1795281890713);
INSERT INTO "credential" VALUES(12,'3a075a38607a1af7ebbdc9dd80f616235fc77ee2c687bbc44d47f84dcf2efb3f',0,1795368294065,1795281894407);
INSERT INTO "credential" VALUES(13,'03248ceb39d87e7cac08444323d9c18ee895e3770e34bcda9d521f82454f8310',0,1795368295076,1795281895411);
INSERT INTO "credential" VALUES(15,'49188254da50c9253b89f0cffc49a546739e8aec0acb9b149ceb6907fcf9f9e9',-1,1826817896535,1795281896535);
INSERT INTO "credential" VALUES(16,'e74062267bd1f0f821fe709efb71d69c3c8c247bd76c841628a2b04f8e517b3e',1,1795368296802,1795281896802);
CREATE TABLE enrolled (
	key_id INTEGER NOT NULL REFERENCES resource (id) ON DELETE CASCADE,
	csr_key TEXT NOT NULL,
	node_id INTEGER NOT NULL REFERENCES resource (id) ON DELETE CASCADE,
	at_ms INTEGER NOT NULL,
	PRIMARY KEY (key_id, csr_key)
) STRICT;
INSERT INTO "enrolled" VALUES(12,'18890b2393cf93a1548112cf48d3a3ed32a1e6e2f4d236577f708f0e2f26696b',4,1795281894407);
INSERT INTO "enrolled" VALUES(13,'29afcaf47e64cb065604b989376a4d8e821430f6503894ec655e113c6709b157',5,1795281895411);
CREATE TABLE event (
	id INTEGER PRIMARY KEY,
	at_ms INTEGER NOT NULL,
	node TEXT,
	severity TEXT NOT NULL,
	kind TEXT NOT NULL,
	entry TEXT,
	text TEXT NOT NULL
) STRICT;
INSERT INTO "event" VALUES(1,1795281894636,'ada','warning','drift_repaired','bridge/lan','it was put back');
INSERT INTO "event" VALUES(2,1795281895654,'ben','warning','drift_repaired','bridge/lan','it was put back');
CREATE TABLE fact (
	node_id INTEGER NOT NULL REFERENCES resource (id) ON DELETE CASCADE,
	name TEXT NOT NULL,
	value TEXT NOT NULL,
	updated_ms INTEGER NOT NULL,
	PRIMARY KEY (node_id, name)
) STRICT;
INSERT INTO "fact" VALUES(4,'public_key','"/e5DDUC9V97qwYbNl5ADPQ8G+QmogG585ucXq3x9UCk="',1795281894837);
INSERT INTO "fact" VALUES(4,'seen_address','"127.0.0.1"',1795281894837);
INSERT INTO "fact" VALUES(4,'local_addresses','["192.0.2.77"]',1795281894837);
INSERT INTO "fact" VALUES(5,'public_key','"ZwCGnI/3SA40pwpwiwKHANuqOgM7VlK5A6/on0mjFFY="',1795281895855);
INSERT INTO "fact" VALUES(5,'seen_address','"127.0.0.1"',1795281895855);
INSERT INTO "fact" VALUES(5,'local_addresses','["192.0.2.77"]',1795281895855);
CREATE TABLE meta (
	key TEXT PRIMARY KEY,
	value TEXT NOT NULL
) STRICT;
INSERT INTO "meta" VALUES('revision','12');
INSERT INTO "meta" VALUES('last_id','17');
INSERT INTO "meta" VALUES('auth_revision','5');
INSERT INTO "meta" VALUES('controller_id','ecef4f92f53a45ce');
INSERT INTO "meta" VALUES('ula','fd497e810dc3');
INSERT INTO "meta" VALUES('plan_generation','0.1.0/1/4789/51820');
CREATE TABLE operation (
	id TEXT PRIMARY KEY,
	at_ms INTEGER NOT NULL
) STRICT;
INSERT INTO "operation" VALUES('c9f4f09d7c13a956753d63099afe6adc',1795281888674);
INSERT INTO "operation" VALUES('a53256be4d7d96de7f3fe5817132366c',1795281890710);
INSERT INTO "operation" VALUES('230a6c7364dcde6992ed5e83bda35f5f',1795281890742);
INSERT INTO "operation" VALUES('74b1fbd7b6da50adf2a89588c1157f64',1795281893374);
INSERT INTO "operation" VALUES('1344ff7e6c5fc271584f73a4cf42624d',1795281893691);
INSERT INTO "operation" VALUES('6d81a737e8552a124040566b656949cc',1795281894067);
INSERT INTO "operation" VALUES('ef15dd91d2a2d797121fee9d48d55ff5',1795281894407);
INSERT INTO "operation" VALUES('7d77da5bc4e1e2553bc132eea24ad05b',1795281894424);
INSERT INTO "operation" VALUES('9bc142e1c5bfe7b2c90c95016f0d7cfc',1795281894633);
INSERT INTO "operation" VALUES('7a187e8f8d067bc1e8137a1e3b4ded22',1795281894638);
INSERT INTO "operation" VALUES('0c9038739cc00589d60f787b62e2ecb0',1795281894837);
INSERT INTO "operation" VALUES('43bf2156d3eb26d768e1716ca4ee9b7d',1795281895076);
INSERT INTO "operation" VALUES('1f7393cacace6cfdb6db6c50c247b0bb',1795281895412);
INSERT INTO "operation" VALUES('80368d9e144b2962a3328434789b0c68',1795281895419);
INSERT INTO "operation" VALUES('eb8fdce5bcb381b79e5ef3dbb9d77ea8',1795281895625);
INSERT INTO "operation" VALUES('6b6e799e2c7a7adbc0fc700da5dc95d7',1795281895664);
INSERT INTO "operation" VALUES('5d190f60b9a7b3bd422de16ab2a8ff80',1795281895855);
INSERT INTO "operation" VALUES('35c6dd9383de09e7a05d3fd8d511978e',1795281895909);
INSERT INTO "operation" VALUES('be7bac4b13fe971714f94d72e7cf7396',1795281896201);
INSERT INTO "operation" VALUES('9861488479f8646347f584de0adb408c',1795281896535);
INSERT INTO "operation" VALUES('cab8cc0a5949bad5683762f7f2e16fd8',1795281896802);
INSERT INTO "operation" VALUES('0e6ee76eea64e27302c110f643906b1d',1795281897112);
INSERT INTO "operation" VALUES('cc723e5065bd04634a2223561969fa56',1795281897391);
INSERT INTO "operation" VALUES('c615bb4cac61e889832b89ea67070f8e',1795281897736);
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
INSERT INTO "resource" VALUES(1,'users','admin','{"role":"admin"}',NULL,1,1795281890710,1795281890710);
INSERT INTO "resource" VALUES(2,'sites','paris','{"lan":["10.1.0.0/16","fd00:1::/48"],"tags":["eu"]}','fleet',2,1795281893691,1795281893691);
INSERT INTO "resource" VALUES(3,'sites','ottawa','{"lan":["10.2.0.0/16"]}','fleet',2,1795281893691,1795281893691);
INSERT INTO "resource" VALUES(4,'nodes','ada','{"address":"192.0.2.1","site":"paris"}','fleet',2,1795281893691,1795281893691);
INSERT INTO "resource" VALUES(5,'nodes','ben','{"address":"192.0.2.2","site":"ottawa"}','fleet',2,1795281893691,1795281893691);
INSERT INTO "resource" VALUES(6,'nodes','cyd','{}','fleet',2,1795281893691,1795281893691);
INSERT INTO "resource" VALUES(7,'nodes','dora','{"address":"192.0.2.4"}','fleet',10,1795281893691,1795281897112);
INSERT INTO "resource" VALUES(8,'networks','home','{"mesh":["ada","ben","cyd"]}','fleet',2,1795281893691,1795281893691);
INSERT INTO "resource" VALUES(9,'networks','side','{"links":[["ada","dora"]],"mesh":["cyd","dora"]}','fleet',10,1795281893691,1795281897112);
INSERT INTO "resource" VALUES(10,'segments','lan','{"mode":"bridge","mtu":1500,"network":"home"}','fleet',2,1795281893691,1795281893691);
INSERT INTO "resource" VALUES(11,'segments','more','{"mode":"bridge","network":"side"}','fleet',2,1795281893691,1795281893691);
INSERT INTO "resource" VALUES(12,'enrolment-keys','agent-ada','{"node":"ada"}',NULL,3,1795281894065,1795281894065);
INSERT INTO "resource" VALUES(13,'enrolment-keys','agent-ben','{"node":"ben"}',NULL,5,1795281895076,1795281895076);
INSERT INTO "resource" VALUES(14,'secrets','login','{}',NULL,7,1795281895909,1795281895909);
INSERT INTO "resource" VALUES(15,'tokens','reader','{"owner":"admin","role":"viewer"}',NULL,8,1795281896535,1795281896535);
INSERT INTO "resource" VALUES(16,'enrolment-keys','many','{}',NULL,9,1795281896802,1795281896802);
CREATE TABLE secret_value (
	resource_id INTEGER PRIMARY KEY REFERENCES resource (id) ON DELETE CASCADE,
	sealed BLOB NOT NULL,
	updated_ms INTEGER NOT NULL
) STRICT;
INSERT INTO "secret_value" VALUES(14,X'019BC054597C7C1F583688FDCE1F2B3791D944A6510B4CE52BE82D6B241118D075630D',1795281896201);
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
INSERT INTO "target" VALUES(4,10,'60a43a1fab2bd5051dd1a2ff77dcad9f');
INSERT INTO "target" VALUES(5,4,'2e0019a5d1ecca1bd9d55f92e028bca2');
INSERT INTO "target" VALUES(6,10,'ae4c3b8572cca53154cd1198246da94f');
INSERT INTO "target" VALUES(7,4,'bb1cb48ae0937045065dc4df3b4c63a7');
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
PRAGMA user_version = 4;
