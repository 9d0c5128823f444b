// Package dynamostore stores Alexa user IDs with their accounts, and grants of Login
// with Amazon, in Amazon DynamoDB: its [Store] is an [identity.Store] and an
// [lwa.Store] on the client of the AWS SDK for Go v2, for example for a skill in AWS
// Lambda:
//
//	settings, err := config.LoadDefaultConfig(ctx)
//	...
//	store := dynamostore.New(dynamodb.NewFromConfig(settings))
//	recorder := &identity.Recorder{Store: store, Account: accountOf}
//	tokens := &lwa.Source{Client: client, Store: store}
//
// # Tables
//
// The tables are alexa_facts and alexa_grants, or begin with another [Store.Prefix].
// CloudFormation creates them from the file cloudformation.yaml of this package,
// [Store.CreateTables] from Go. Writing a fact again changes nothing, and a grant is
// written on the condition that it has not changed since it was read. There are no
// transactions, and no item expires.
//
// The program needs these permissions:
//
//	alexa_facts                  dynamodb:PutItem, BatchWriteItem, Query
//	alexa_facts/index/AccountID  dynamodb:Query
//	alexa_grants                 dynamodb:GetItem, PutItem, DeleteItem, BatchWriteItem, Query
//
// Purge, Facts, Grants and EndedGrants also need dynamodb:Scan, and CreateTables needs
// dynamodb:CreateTable and DescribeTable.
//
// Tables of an earlier version need no migration: the new fields of a grant are
// attributes of its item. A program of an earlier version removes them when it writes
// the grant.
//
// DynamoDB encrypts the tables with its own key, but anyone who may read the items can
// read the tokens of grants. To encrypt the tokens, wrap the store in an [lwa.Sealed].
// Erased items stay in the table's backups as long as you keep those.
//
// A user ID may have 1024 bytes, an account ID 2048, a skill ID 991, and a client
// ID and a link ID 1023 together. Longer ones are refused in every method; the error
// for a grant is [lwa.ErrInvalidKey].
//
// # Consistency
//
// All reads are strongly consistent except for AccountRecords and EraseAccount: they
// find the users of an account in a global secondary index, which DynamoDB updates
// after the table, usually within a fraction of a second:
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.html
// Until then they miss a new link, which UserRecords returns at once.
//
// An erasure reads and then deletes, and is not atomic as in a SQL database. If it
// fails, part of it may be done; call it again to complete it.
//
// # Regions
//
// A multi-region backend needs one table of grants in one AWS region, which all writers
// of those grants use: one for each Alexa region, since each customer belongs to one. Do
// not use a global table with DynamoDB's default, eventual consistency between regions:
// it loses tokens. A condition is checked only in the region of the writer, so two
// regions can both write the same grant, and the last writer wins. If that is a refresh
// which began before the customer linked the account again, it replaces the new refresh
// token by an old one that does not work.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/V2globaltables_HowItWorks.html
//
// The table of facts may be global, since a fact never changes. All reads and erasures
// then miss what another region wrote a moment ago. Use two stores: one for facts, with a
// client of the nearest region, and one for grants, with a client of their region.
//
// # Cost
//
// In request units, for items of usual length: a fact takes less than 1 KB, a
// grant 2 to 3 KB, and ten facts less than 4 KB.
//
//	AddFact         1 write, also for a known fact; 1 more, in the index, for a new fact with an account
//	AddFacts        the same for each fact
//	UserRecords     1 read for each ten facts
//	AccountRecords  0.5 read, and 1 for each Alexa user of the account
//	EraseUser       1 read, and for each fact what AddFact took
//	EraseAccount    as AccountRecords, and for each fact what AddFact took; 1 write for each link that is kept without account
//	Grant           1 read
//	AccountGrants   1 read for each grant or two
//	UpdateGrant     1 read, 1 write for each KB
//	EraseGrants     1 read for each grant or two, 1 write for each of their KB
//	Facts, Grants   1 read for each 4 KB of the table; EndedGrants as Grants
//	Purge           as Facts; for each user with an old fact as UserRecords and EraseUser
package dynamostore
