import { describe, expect, it } from 'vitest';
import { isBlank, emptyRow, readRow, writeRow } from './destination-row.ts';

describe('a destination row', () => {
  it.each([
    ['mail.example.com', 'mail.example.com', '', ''],
    ['mail.example.com:2525', 'mail.example.com', '2525', ''],
    ['mail.example.com/pri=10', 'mail.example.com', '', '10'],
    ['mail.example.com:25/pri=10', 'mail.example.com', '25', '10'],
    ['[mail.example.com]:26', '[mail.example.com]', '26', ''],
    ['192.0.2.1:26', '192.0.2.1', '26', ''],
    ['2001:db8::5', '2001:db8::5', '', ''],
    ['2001:db8::5/pri=3', '2001:db8::5', '', '3'],
    ['[2001:db8::5]:2525/pri=3', '[2001:db8::5]', '2525', '3'],
    ['<script>', '<script>', '', ''],
  ])('takes %s apart and puts it together again', (written, host, port, priority) => {
    const row = readRow(written);
    expect([row.host, row.port, row.priority]).toEqual([host, port, priority]);
    expect(writeRow(row)).toBe(written);
  });

  it('puts a bare IPv6 address into brackets when it gets a port, and leaves out the best priority', () => {
    expect(writeRow({ ...readRow('2001:db8::5'), port: '25' })).toBe('[2001:db8::5]:25');
    expect(writeRow({ ...readRow('a.example'), priority: '0' })).toBe('a.example');
    expect(isBlank(emptyRow())).toBe(true);
    expect(isBlank({ ...emptyRow(), port: '25' })).toBe(false);
  });
});
