import { describe, expect, it } from 'vitest';
import { countLines } from './system-calls.ts';

describe('counts of strace lines', () => {
  it('tells syncs, synced writes, sockets and connections apart', () => {
    const lines = [
      '10 fsync(7</q/a>) = 0',
      '10 fdatasync(7</q/a> <unfinished ...>',
      '10 <... fdatasync resumed>) = 0',
      '11 openat(AT_FDCWD</>, "/q/log"..., O_WRONLY|O_DSYNC) = 9</q/log>',
      '11 openat(AT_FDCWD</>, "/q/next", O_WRONLY|O_CREAT|O_DSYNC, 0600) = 10</q/next>',
      '11 pwrite64(10</q/next>, ""..., 4096, 0) = 4096',
      '11 pwrite64(8</q/old>, ""..., 4096, 0) = 4096',
      '11 write(1</q/mail.txt>, ""..., 10) = 10',
      '12 writev(20<TCP:[127.0.0.1:25->127.0.0.1:4000]>, [{iov_base=""..., iov_len=8}], 1) = 8',
      '12 write(21<UNIX-STREAM:[1->2]>, ""..., 8) = 8',
      '12 connect(22<TCP:[5]>, {sa_family=AF_INET, sin_port=htons(25)}, 16) = -1 EINPROGRESS',
      '12 connect(23<UNIX-STREAM:[6]>, {sa_family=AF_UNIX, sun_path="public/x"}, 110) = 0',
      '12 rename("/q/a", "/q/b") = 0',
    ];
    expect(countLines(lines, new Set(['/q/old']), 2)).toEqual({
      syncs: 1,
      syncedWrites: 1,
      renames: 0.5,
      tcpWrites: 0.5,
      localWrites: 0.5,
      tcpConnects: 0.5,
    });
  });
});
