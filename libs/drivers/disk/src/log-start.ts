import { readFile } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { MtaError } from '@mailyard/mail';
import { replaceFile } from './durable-file.ts';

/** Reads the first offset that is held: one line, `<offset> <CRC-32 of it>`. 0 when nothing was trimmed ever. */
export async function readLogStart(path: string): Promise<number> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 0;
    throw error;
  }
  const [offset = '', check] = text.trimEnd().split(' ');
  if (check !== String(crc32(offset))) throw new MtaError('STORE_DAMAGED', `${path} is damaged`);
  return Number(offset);
}

export async function writeLogStart(path: string, offset: number): Promise<void> {
  await replaceFile(path, `${offset} ${crc32(String(offset))}\n`);
}
