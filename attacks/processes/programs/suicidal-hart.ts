// A guest that has found a way out of its hart into the process that runs it, and ends that.
process.kill(process.pid, 'SIGKILL');
