-- A record as Pneumo 0.1.0 made it before records had versions: sqlite3's own dump.
BEGIN TRANSACTION;
CREATE TABLE audit (
	sequence INTEGER NOT NULL, 
	time VARCHAR(24) NOT NULL, 
	actor TEXT NOT NULL, 
	action VARCHAR(16) NOT NULL, 
	case_id VARCHAR(32) NOT NULL, 
	digest VARCHAR(64) NOT NULL, 
	previous VARCHAR(64) NOT NULL, 
	hash VARCHAR(64) NOT NULL, 
	PRIMARY KEY (sequence), 
	UNIQUE (previous), 
	UNIQUE (hash)
);
INSERT INTO "audit" VALUES(1,'2026-02-01T08:00:00.000Z','Dr A','create','c3e6ac919dc8cea0ce4a8d5cb1d3b3af','daf35acdd2cf629998a3eb28e4f05eca4aa2cfc2547efb787783d16d5dfe249a','0000000000000000000000000000000000000000000000000000000000000000','c4b0021dbf064b3476e0f02edfa3d7bf1d771e847ced8f0a19c7fce1290fd037');
INSERT INTO "audit" VALUES(2,'2026-02-01T08:00:00.000Z','Dr A','create','d6e63e6d61f4f8b816181c21fdafa4fc','01613aad368357ee5bdfbc3af6dccfcc24296a053101dbd21776a0c0ef3fdcd8','c4b0021dbf064b3476e0f02edfa3d7bf1d771e847ced8f0a19c7fce1290fd037','ac2cf08dc142f60218f9003326918222b197b696dd035f4c9452d4fd60f2ff89');
INSERT INTO "audit" VALUES(3,'2026-02-01T08:00:00.000Z','Dr A','create','e105d5b926d478ebb3e9cf10040bf425','96cb4bfd6dc02bb0b62e0983b68336b53e5b5821d8b045d7c2dfaaa5e3e246ef','ac2cf08dc142f60218f9003326918222b197b696dd035f4c9452d4fd60f2ff89','946dcfdf49810130b86692c0c79e6a62bffee766e7bb6b7b41f92cebfa3f1e8e');
INSERT INTO "audit" VALUES(4,'2026-02-01T08:00:00.000Z','Dr A','agreement','c3e6ac919dc8cea0ce4a8d5cb1d3b3af','394a92c74178b3d925a9a4890dea50f1823edc5d20ba1ad7946a74c4ca374656','946dcfdf49810130b86692c0c79e6a62bffee766e7bb6b7b41f92cebfa3f1e8e','38fd7fed525e68f420e5c1e793a2c841b8c14c1cc07a097a84ee1774cbd6e927');
INSERT INTO "audit" VALUES(5,'2026-02-01T08:00:00.000Z','Dr A','note','c3e6ac919dc8cea0ce4a8d5cb1d3b3af','a8a103a9a21abf26a3666477b295664cd746490a0f0e651a621c65bebeccb117','38fd7fed525e68f420e5c1e793a2c841b8c14c1cc07a097a84ee1774cbd6e927','112e7e2113805a3a93e352bd6c0239c03a8e3607b310affe4ace21b470d88996');
INSERT INTO "audit" VALUES(6,'2026-02-01T08:00:00.000Z','Dr A','agreement','d6e63e6d61f4f8b816181c21fdafa4fc','177eb37de314b96ca71d73abe7dbcd08076505591bace1e32e3e2f01e68af7eb','112e7e2113805a3a93e352bd6c0239c03a8e3607b310affe4ace21b470d88996','bdd1ec622e7eee0fb194e11e36302f9f721ff33d20ff8c0e352fb9f0554ec282');
INSERT INTO "audit" VALUES(7,'2026-02-01T08:00:00.000Z','Dr A','delete','e105d5b926d478ebb3e9cf10040bf425','','bdd1ec622e7eee0fb194e11e36302f9f721ff33d20ff8c0e352fb9f0554ec282','84cfd7ec18bad2d6a40dc94759ff308ad9191ceb5d5b27cd17f0f9eba3a47f3b');
CREATE TABLE audit_head (
	id INTEGER NOT NULL CHECK (id = 1), 
	sequence INTEGER NOT NULL, 
	hash VARCHAR(64) NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "audit_head" VALUES(1,7,'84cfd7ec18bad2d6a40dc94759ff308ad9191ceb5d5b27cd17f0f9eba3a47f3b');
CREATE TABLE cases (
	id VARCHAR(32) NOT NULL, 
	created VARCHAR(24) NOT NULL, 
	session VARCHAR(32) NOT NULL, 
	salt VARCHAR(32) NOT NULL, 
	file_sha256 VARCHAR(64) NOT NULL, 
	model TEXT NOT NULL, 
	model_sha256 VARCHAR(64) NOT NULL, 
	probability DOUBLE NOT NULL, 
	operating_point TEXT NOT NULL, 
	threshold DOUBLE NOT NULL, 
	label VARCHAR(16) NOT NULL, 
	zone VARCHAR(16) NOT NULL, 
	gate VARCHAR(16) NOT NULL, 
	warnings TEXT NOT NULL, 
	agreement VARCHAR(16) NOT NULL, 
	note TEXT NOT NULL, 
	PRIMARY KEY (id), 
	CONSTRAINT once_a_session UNIQUE (session, file_sha256, model_sha256, operating_point)
);
INSERT INTO "cases" VALUES('c3e6ac919dc8cea0ce4a8d5cb1d3b3af','2026-02-01T08:00:00.000Z','s1','129e1dcf4f81d36b9a3728efba9d51b3','0000000000000000000000000000000000000000000000000000000000000000','tiny','cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd',0.9375,'balanced',0.5,'PNEUMONIA','rule-in','pass','[]','agree','seen in the round');
INSERT INTO "cases" VALUES('d6e63e6d61f4f8b816181c21fdafa4fc','2026-02-01T08:00:00.000Z','s1','144d7f95a3fca8a2e229da811124f7d6','0000000000000000000000000000000000000000000000000000000000000001','tiny','cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd',0.9375,'balanced',0.5,'PNEUMONIA','rule-in','pass','[]','disagree','');
CREATE INDEX ix_cases_file_sha256 ON cases (file_sha256);
CREATE INDEX ix_cases_created ON cases (created);
CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
COMMIT;
