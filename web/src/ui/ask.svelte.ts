/** A question before something that cannot be taken back. */
export interface Question {
  title: string;
  text: string;
  action: string;
  danger?: boolean;
  /** Must be typed first. */
  typed?: string;
  answer: (yes: boolean) => void;
}

class Asked {
  question = $state.raw<Question | null>(null);
}

export const asked = new Asked();

export function ask(question: Omit<Question, "answer">): Promise<boolean> {
  return new Promise((resolve) => {
    asked.question = {
      ...question,
      answer: (yes) => {
        asked.question = null;
        resolve(yes);
      },
    };
  });
}
