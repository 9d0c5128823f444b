// Package sns verifies messages of Amazon SNS: that SNS sent a message, and that it
// is of a topic that you list. The package receives messages over HTTP ([Handler]),
// in an AWS Lambda function that the topic invokes ([Lambda]), and in one that reads
// an SQS queue ([SQS]).
//
// Alexa publishes notifications for developers to SNS topics. The events of a
// skill do not come through SNS.
//
// # Who sent it
//
// Over HTTP the signature proves that SNS sent a message. SNS signs for all topics
// of all AWS accounts with the same key, so anyone can publish a signed message to
// a topic of their own. So Topics lists your topics; an empty list accepts no
// message. The access policy of a topic says who may publish to it.
//
// AWS itself invokes a Lambda function and fills a queue: the policies of the
// function and of the queue are the proof. A Verifier can check the signatures as
// well.
//
// SNS signs with SHA-1 unless the attribute SignatureVersion of the topic is 2.
// Set it to 2, and set [Verifier.RequireSHA256].
//
// As users report, SNS does not sign the messages of FIFO topics, and delivers
// them only to SQS queues: receive them with [SQS] and a nil Verifier. With raw
// message delivery nothing is signed either, see [Handler.UnverifiedRaw].
//
// # At least once
//
// SNS delivers a message until it is acknowledged: possibly several times, late
// and out of order. [Message.ID] stays the same. A message is acknowledged when
// Receive returns nil: write durably first.
//
// A signature does not expire, so anyone who has seen a message can send it again.
// [Verifier.MaxAge] limits for how long. The effect of a message must be
// idempotent, or the IDs must be stored for that time. Store the ID together with
// the effect, in one transaction: if the ID is stored first and the process ends
// before the effect, the message is lost. The example Duplicate of [Handler] does
// that.
//
// Over HTTP, SNS gives up after three retries, 20 seconds apart, unless a delivery
// policy says otherwise; an hour is the longest. Give the subscription a
// dead-letter queue, or subscribe a queue to the topic.
package sns
