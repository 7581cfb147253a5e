import { preferences } from "../preferences.svelte";
import { en } from "./en";
import { ko } from "./ko";

export type TextKey = keyof typeof en;
const languages: Record<string, Record<TextKey, string>> = { en, ko };
const locales: Record<string, string> = { en: "en-GB", ko: "ko-KR" };

/** The text in the language of the page; `{name}` is replaced. */
export function t(key: TextKey, values: Record<string, string | number> = {}): string {
  const text = languages[preferences.language][key];
  return text.replace(/\{(\w+)\}/g, (_, name: string) => String(values[name] ?? ""));
}

/** What a menu announces with an ellipsis, as the dialog that it opens names it. */
export const deed = (key: TextKey): string => t(key).replace(/…$/, "");

/** For words that come from records: `vm.state.running`; a word unknown to this page is shown as it is. */
export function word(prefix: string, value: string | null | undefined): string {
  if (!value) return "";
  const text = (languages[preferences.language] as Record<string, string>)[`${prefix}.${value}`];
  return text ?? value;
}

const locale = () => locales[preferences.language];

export function number(value: number, digits = 0): string {
  return new Intl.NumberFormat(locale(), { maximumFractionDigits: digits }).format(value);
}

const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];

export function bytes(value: number | null | undefined): string {
  if (value == null) return "–";
  let unit = 0;
  for (; value >= 1024 && unit < units.length - 1; unit++) value /= 1024;
  return `${number(value, value < 10 && unit > 0 ? 1 : 0)} ${units[unit]}`;
}

export const mebibytes = (value: number | null | undefined) => bytes(value == null ? value : value * 2 ** 20);

export function dateTime(value: string | null | undefined): string {
  return value ? new Intl.DateTimeFormat(locale(), { dateStyle: "medium", timeStyle: "medium" }).format(new Date(value)) : "–";
}

/** As short as it can be said: today without the day. */
export function moment(value: string | null | undefined, now = new Date()): string {
  if (!value) return "–";
  const time = new Date(value);
  return time.toDateString() === now.toDateString()
    ? new Intl.DateTimeFormat(locale(), { timeStyle: "medium", hourCycle: "h23" }).format(time)
    : new Intl.DateTimeFormat(locale(), { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", hourCycle: "h23", ...(time.getFullYear() === now.getFullYear() ? {} : { year: "numeric" }) }).format(time);
}

/** On an axis of time whose marks are so many seconds apart. */
export function clock(seconds: number, step: number): string {
  const parts: Intl.DateTimeFormatOptions = step >= 86_400 ? { month: "short", day: "numeric" } : { hour: "2-digit", minute: "2-digit", hourCycle: "h23", ...(step < 60 ? { second: "2-digit" } : {}) };
  return new Intl.DateTimeFormat(locale(), parts).format(new Date(seconds * 1000));
}

const steps: [Intl.RelativeTimeFormatUnit, number][] = [["second", 60], ["minute", 60], ["hour", 24], ["day", 30], ["month", 12], ["year", Infinity]];

export function ago(value: string | null | undefined, now = Date.now()): string {
  if (!value) return "–";
  let distance = (new Date(value).getTime() - now) / 1000;
  for (const [unit, count] of steps) {
    if (Math.abs(distance) < count) return new Intl.RelativeTimeFormat(locale(), { numeric: "auto" }).format(Math.round(distance), unit);
    distance /= count;
  }
  return "–";
}

/** `3d 4h`, `12 min`, in the shortest words. */
export function duration(seconds: number): string {
  const parts: [number, string][] = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];
  const first = parts.findIndex(([size]) => seconds >= size);
  if (first < 0) return "0 s";
  const shown = parts.slice(first, first + 2).map(([size, name]) => {
    const count = Math.floor(seconds / size);
    seconds -= count * size;
    return count > 0 ? `${number(count)} ${name}` : "";
  });
  return shown.filter(Boolean).join(" ");
}
