"""Starting MindIE, Huawei's inference server."""
