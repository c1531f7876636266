package delivery

// Speaks makes the client take a host for one that speaks TLS and HTTP/1.1, as it learns by an attempt.
func (c *Client) Speaks(addr string) { c.http1.Add(addr, struct{}{}) }
