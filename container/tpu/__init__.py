"""Models for Sophgo TPUs: exported to ONNX and compiled to a bmodel by the vendor's tools."""
