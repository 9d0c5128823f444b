// Package sns answers two questions about a message: did Amazon SNS send it,
// and on a topic that I named? It takes messages over HTTP ([Handler]), in an
// AWS Lambda function that the topic invokes ([Lambda]) and in one that reads a
// queue of the topic ([SQS]).
//
// Alexa publishes what it tells developers to SNS topics; what it tells a skill
// comes otherwise.
//
// # Who sent it
//
// Over HTTP the signature is the proof. SNS signs for every topic of every AWS
// account with the same key, so the signature alone says nothing about the
// publisher. The lists of topics are as necessary; empty, they accept no message.
// The access policy of a topic says who may publish to it.
//
// A Lambda function is invoked, and a queue filled, by AWS itself: there the
// policies of the function and of the queue are the proof. A Verifier may check
// the signatures as well.
//
// SNS signs with SHA-1 unless the attribute SignatureVersion of the topic is 2.
// Set that, and [Verifier.RequireSHA256].
//
// SNS does not sign the messages of FIFO topics, by reports of their users, and
// delivers them to SQS queues alone: receive them with [SQS] and a nil Verifier.
// With raw message delivery nothing is signed either, see [Handler.UnverifiedRaw].
//
// # At least once
//
// SNS delivers a message until it is acknowledged, possibly several times, late
// and out of order. [Message.ID] stays the same. A message is acknowledged once the
// function that received it has returned nil: write durably first.
//
// A signature does not expire, so anybody who has seen a message can send it
// again. [Verifier.MaxAge] bounds the time in which that works. What a message
// causes must be idempotent, or the IDs must be remembered for that time. Store the
// ID together with what the message causes, in one transaction: an ID that is
// stored earlier loses the message if the process dies between the two. The
// example Repeated of [Handler] does that.
//
// Over HTTP, SNS gives up after three more attempts, 20 seconds apart, unless a
// delivery policy says otherwise; an hour is the most. Give the subscription a
// dead-letter queue, or let it deliver to a queue.
package sns
