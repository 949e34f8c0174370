// The globals that this package uses and that both Node and browsers have; everything else stays a type error.
declare function atob(base64: string): string;
