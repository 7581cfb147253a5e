/** Pure: the name of an archive, with the time in it. */
export const archiveName = (base: string, now: Date): string => `${base}-${now.toISOString().slice(0, 19).replace(/[-:]/g, "").replace("T", "-")}.tar.gz`;
