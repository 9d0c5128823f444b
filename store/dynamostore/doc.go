// Package dynamostore keeps facts about Alexa users, and grants, in Amazon
// DynamoDB: its [Store] is an [identity.Store] and an [lwa.Store] on the client
// of the AWS SDK for Go v2, for a backend beside AWS Lambda for instance:
//
//	settings, err := config.LoadDefaultConfig(ctx)
//	...
//	store := dynamostore.New(dynamodb.NewFromConfig(settings))
//	recorder := &identity.Recorder{Store: store, Account: accountOf}
//	tokens := &lwa.Source{Client: client, Store: store}
//
// # Tables
//
// There are two, alexa_facts and alexa_grants, or with another [Store.Prefix].
// The file cloudformation.yaml of this package makes them with CloudFormation,
// [Store.CreateTables] from Go. Each item stands for itself: a fact is the same
// however often it is written, and a grant is written on the condition that nobody
// changed it since it was read. There are no transactions, and nothing expires by
// itself.
//
// The program gets by with these rights:
//
//	alexa_facts                  dynamodb:PutItem, BatchWriteItem, Query
//	alexa_facts/index/AccountID  dynamodb:Query
//	alexa_grants                 dynamodb:GetItem, PutItem, DeleteItem, BatchWriteItem, Query
//
// Purge, Facts, Grants and EndedGrants need dynamodb:Scan as well, and CreateTables
// dynamodb:CreateTable and DescribeTable.
//
// Tables of an earlier version stay as they are: what a grant has gained since are
// attributes of its item, and a program of an earlier version drops them where it
// writes the grant.
//
// The tokens of grants are stored as they are, encrypted by DynamoDB with a key
// of its own, unless an [lwa.Sealed] goes around the store. What was erased stays
// in the table's backups for as long as they are kept.
//
// A user ID may have 1024 bytes, an account ID 2048, a skill ID 991, and a client
// ID and a link ID 1023 together. Longer ones are refused, also where they are
// asked for; the error for those of a grant is [lwa.ErrInvalidKey].
//
// # What lags
//
// All answers are current but those that start from an account, AccountRecords
// and EraseAccount: an account's users come from a global secondary index, which
// DynamoDB brings up to date after the table, usually within a fraction of a
// second: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.html
// Until then a new link is missing there, while UserRecords has it at once.
//
// An erasure reads, and then deletes; unlike in a SQL database it is not one
// step. If it fails, part of it may be done, and doing it again completes it.
//
// # Regions
//
// The table of grants must be one table of one AWS region, which all that write
// those grants use: one for each Alexa region, since each customer belongs to
// one. A global table with DynamoDB's usual, eventual consistency between regions
// would lose tokens. A condition is checked in the region of the writer alone: two
// regions can both find the grant as they read it and both write, and then the
// last writer wins. That may be a refresh which began before the customer linked
// their account anew; the refresh token that it writes over the new one is
// useless, and no new one comes.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/V2globaltables_HowItWorks.html
//
// The table of facts may be global: a fact never changes, so regions that write
// the same item write the same. What another region wrote a moment ago is missing
// from all answers then, and an erasure misses it. It takes two stores: one for
// facts, on a client of the nearest region, and one for grants, on a client of the
// region where those are.
//
// # What it costs
//
// In request units, for items of usual length: a fact takes less than 1 KB, a
// grant 2 to 3 KB, and ten facts less than 4 KB.
//
//	AddFact         1 write, new or not; 1 more, in the index, if a new one names an account
//	AddFacts        the same for each fact
//	UserRecords     1 read for each ten facts
//	AccountRecords  0.5 read, and 1 for each Alexa user of the account
//	EraseUser       1 read, and for each fact what AddFact took
//	EraseAccount    as AccountRecords, and for each fact what AddFact took; 1 write for each link that stays without account
//	Grant           1 read
//	AccountGrants   1 read for each grant or two
//	UpdateGrant     1 read, 1 write for each KB
//	EraseGrants     1 read for each grant or two, 1 write for each of their KB
//	Facts, Grants   1 read for each 4 KB of the table; EndedGrants as Grants
//	Purge           as Facts; for each user with an old fact as UserRecords and EraseUser
package dynamostore
