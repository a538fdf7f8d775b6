//! OpenLoRA: OpenAI-compatible serving of adapters over one base model, with receipts.
