package console

// watchers bounds the live views of a process.
const watchers = 200
