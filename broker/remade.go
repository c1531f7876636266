package broker

// The streams and buckets of which somebody has to know that they were made again: what they held is to be made good for.
const (
	RemadeWakes    = streamWakes
	RemadeBacklogs = bucketPrefix + "BACKLOGS"
	RemadeWebhooks = bucketPrefix + "WEBHOOKS"
	RemadeAccounts = bucketPrefix + "ACCOUNTS"
)

// remadeKept is room for the name of each stream and bucket.
const remadeKept = 16

// Remade has the name of each stream that was gone and that this process made again, empty; of a bucket, that of its stream.
func (b *Broker) Remade() <-chan string { return b.remade }

// tellRemade tells that a stream was made again.
func (b *Broker) tellRemade(name string) {
	select {
	case b.remade <- name:
	default: // nobody reads what is told
	}
}
