"""Person to person: money that customers send each other, to whoever has a telephone, and ask each other for."""
