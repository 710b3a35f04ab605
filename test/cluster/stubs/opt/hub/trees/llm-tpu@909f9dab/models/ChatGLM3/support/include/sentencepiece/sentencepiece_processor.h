// a stand-in of another version
